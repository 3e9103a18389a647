"""Examples for the tests of objectives, made the way that the program makes them."""

from __future__ import annotations

from typing import Any

from studio.data.examples import build


def examples(objective: str, *rows: dict[str, Any]) -> tuple[Any, ...]:
    """The examples of rows whose columns are named as the roles."""
    built = build(rows, {name: name for row in rows for name in row}, objective)
    assert not built.problems, built.problems
    return built.examples
