"""The layouts under tests/data/layouts: each is recognised with its objective and mapping, no hand needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.data.columns import CONFIDENT, check_columns
from studio.data.examples import KINDS
from studio.data.inspection import inspect
from studio.data.readers import read
from studio.data.shapes import SHAPES

LAYOUTS = Path(__file__).parents[3] / "data" / "layouts"
EXPECTED: dict[str, dict[str, Any]] = json.loads((LAYOUTS / "expected.json").read_text("utf-8"))


def test_every_layout_has_its_expectation_and_there_are_at_least_forty() -> None:
    assert {file.name for file in LAYOUTS.iterdir()} == {*EXPECTED, "expected.json"}
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize("name", EXPECTED)
def test_a_layout_is_recognised_without_being_asked(name: str) -> None:
    found = inspect(read(LAYOUTS / name))
    mapping = {"objective": found.mapping.objective, "mapping": dict(found.mapping.roles)}
    assert mapping | {"ready": found.ready} == EXPECTED[name]
    assert found.mapping.confidence >= CONFIDENT
    assert found.mapping.reason
    roles, columns = found.mapping.roles, found.table.columns
    assert check_columns(columns, roles, found.mapping.objective) == ()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_shape_is_for_an_objective_that_has_examples(shape: Any) -> None:
    assert shape.objective in KINDS
    assert any(expected["objective"] == shape.objective for expected in EXPECTED.values())
