"""What a data file holds, told in one go: format, columns, mapping, ready rows and problems."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.data.columns import ColumnMapping, check_columns, recognise
from studio.data.examples import (
    MINIMUM_ROWS,
    Example,
    Examples,
    Problem,
    build,
    problem_in,
)
from studio.data.readers import read
from studio.data.table import Table
from studio.errors import DataProblem

EXAMPLES_SHOWN = 3


@dataclass(frozen=True)
class Inspection:
    """A table with its mapping, the examples that come of it and everything found wrong."""

    table: Table
    mapping: ColumnMapping
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]

    @property
    def verdict(self) -> str:
        """One sentence: `28 of 30 rows are ready; 2 need a look.`"""
        rows, ready = len(self.table.rows), len(self.examples)
        if ready == rows:
            return "The one row is ready." if rows == 1 else f"All {rows:,} rows are ready."
        left = rows - ready
        return f"{ready:,} of {rows:,} rows are ready; {left:,} need{'s' * (left == 1)} a look."

    def as_json(self) -> dict[str, Any]:
        """The document that the command `data FILE` prints."""
        return {
            "format": self.table.format,
            "columns": list(self.table.columns),
            "objective": self.mapping.objective,
            "mapping": dict(self.mapping.roles),
            "confidence": self.mapping.confidence,
            "reason": self.mapping.reason,
            "rows": len(self.table.rows),
            "ready": len(self.examples),
            "examples": [example.as_json() for example in self.examples[:EXAMPLES_SHOWN]],
            "problems": [problem.as_json() for problem in self.problems],
            "notes": list(self.table.notes),
            "words": self.verdict,
        }


def inspect(path: Path, roles: Mapping[str, str] | None = None) -> Inspection:
    """Read and check a data file, with the columns chosen in `roles`, else recognised.

    Raises DataProblem when the file cannot be read, or when `roles` do not fit its columns
    (`.fields` then names each).
    """
    return inspect_table(read(path), roles)


def inspect_table(table: Table, roles: Mapping[str, str] | None = None) -> Inspection:
    """As `inspect`, for a table read already: a changed mapping needs no second reading."""
    mapping = _chosen(table, roles) if roles else recognise(table)
    if not mapping.roles:
        count = len(table.rows)
        problem = Problem("columns", count, (), mapping.reason)
        return Inspection(table, mapping, (), (problem,))
    built = build(table.rows, mapping.roles, lines=table.lines, numbers=table.numbers)
    return Inspection(table, mapping, built.examples, (*built.problems, *_over_all(built)))


def _chosen(table: Table, roles: Mapping[str, str]) -> ColumnMapping:
    fields = check_columns(table.columns, roles)
    if fields:
        words = " ".join(field.words for field in fields)
        raise DataProblem(f"{table.path.name}: {words}", fields=fields)
    return ColumnMapping("chat", dict(roles), 1.0, "Chosen by hand.")


def _over_all(built: Examples) -> Iterable[Problem]:
    """Problems of the examples together: repeated ones, too few."""
    repeated = _repeated(built.examples)
    if repeated:
        yield problem_in(
            "duplicates",
            [(example.number, example.line) for example in repeated],
            "question and answer are the same as in an earlier row. They are used all the same; "
            "delete them if they are there by mistake",
        )
    ready = len(built.examples)
    if ready < MINIMUM_ROWS:
        yield Problem(
            "too_few_rows",
            ready,
            (),
            f"Only {ready} row{'' if ready == 1 else 's'} can be used. At least {MINIMUM_ROWS} "
            "are needed to learn anything dependable; 50 or more are a good start.",
        )


def _repeated(examples: Iterable[Example]) -> list[Example]:
    """The examples equal in every turn to one before them."""
    seen: set[bytes] = set()
    repeated = []
    for example in examples:
        text = "\0".join(f"{turn.role}\0{turn.content}" for turn in example.messages)
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if key in seen:
            repeated.append(example)
        seen.add(key)
    return repeated
