"""What a data file holds, told in one go: format, columns, mapping, ready rows and problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.data.columns import ColumnMapping, check_columns, objective_of, recognise
from studio.data.examples import Example, Problem, Rejected, walk
from studio.data.examples.building import problems_of
from studio.data.progress import Progress, silent
from studio.data.table import Table
from studio.errors import DataProblem

EXAMPLES_SHOWN = 3
_SAID_EVERY_ROWS = 1_000


@dataclass(frozen=True)
class Inspection:
    """A table with its mapping, how many examples come of it, the first of them, why others are none.

    What may be wrong with rows that can be used is the checks' business (`studio/checks`).
    """

    table: Table
    mapping: ColumnMapping
    ready: int
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]

    @property
    def verdict(self) -> str:
        """One sentence: `28 of 30 rows are ready; 2 need a look.`"""
        rows, ready = len(self.table.rows), self.ready
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
            "ready": self.ready,
            "examples": [example.as_json() for example in self.examples],
            "problems": [problem.as_json() for problem in self.problems],
            "notes": list(self.table.notes),
            "words": self.verdict,
        }


def inspect(
    table: Table,
    roles: Mapping[str, str] | None = None,
    objective: str | None = None,
    on_progress: Progress = silent,
) -> Inspection:
    """Look through a table, with the columns chosen in `roles`, else recognised; no row is held.

    Without `objective` it is recognised too, or told by the roles. `on_progress` hears the share done
    and what is being done; what it raises ends this.

    Raises DataProblem when `roles` do not fit its columns (`.fields` then names each).
    """
    mapping = _chosen(table, roles, objective) if roles else recognise(table, objective)
    if not mapping.roles:
        count = len(table.rows)
        problem = Problem("columns", count, (), mapping.reason)
        return Inspection(table, mapping, 0, (), (problem,))
    rejected: dict[str, list[tuple[int, int]]] = {}
    samples: list[Example] = []
    ready = 0
    walked = walk(
        table.rows, mapping.roles, mapping.objective, lines=table.lines, numbers=table.numbers
    )
    for count, found in enumerate(walked):
        if count % _SAID_EVERY_ROWS == 0:
            on_progress(count / len(table.rows), f"Row {count:,} of {len(table.rows):,}")
        place = (found.place.number, found.place.line)
        if isinstance(found, Rejected):
            rejected.setdefault(found.check, []).append(place)
            continue
        ready += 1
        if len(samples) < EXAMPLES_SHOWN:
            samples.append(found)
    return Inspection(table, mapping, ready, tuple(samples), problems_of(rejected))


def _chosen(table: Table, roles: Mapping[str, str], objective: str | None) -> ColumnMapping:
    objective = objective or objective_of(roles)
    fields = check_columns(table.columns, roles, objective)
    if fields:
        words = " ".join(field.words for field in fields)
        raise DataProblem(f"{table.path.name}: {words}", fields=fields)
    return ColumnMapping(objective, dict(roles), 1.0, "Chosen by hand.")
