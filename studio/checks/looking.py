"""Looking through a table as a training with it would: mapping, split, every check."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from studio.checks.check import Circumstances, Cost
from studio.checks.survey import ALL, Encode, Report, survey
from studio.data.columns import ColumnMapping
from studio.data.examples import Rejected, walk
from studio.data.progress import Progress, silent
from studio.data.split import hold_out
from studio.data.table import Table
from studio.errors import DataProblem

_SPLIT_SHARE = 0.1
"""How much of the whole finding the held-out rows is taken for."""


def look_through(
    table: Table,
    mapping: ColumnMapping,
    *,
    held_out: float,
    seed: int = 0,
    always: Collection[bytes] = (),
    longest: int | None = None,
    encode: Encode | None = None,
    costs: Collection[Cost] = ALL,
    folder: Path | None = None,
    on_progress: Progress = silent,
) -> Report:
    """Everything that the checks find in a table with this mapping and this share held out.

    `always` are the groups that were held out before (`group_of`). What `on_progress` raises ends it.
    """
    examples = (
        found
        for found in walk(table.rows, mapping.roles, mapping.objective)
        if not isinstance(found, Rejected)
    )
    on_progress(0.0, "Which rows are held out")
    try:
        rows = hold_out(examples, held_out if "dear" in costs else 0, seed, always).rows
    except DataProblem:
        rows = frozenset()  # too few rows to hold any out, which a check says
    circumstances = Circumstances(
        mapping.roles,
        mapping.objective,
        held_out=rows.__contains__ if rows else None,
        longest=longest,
        folder=folder,
    )
    return survey(
        table.rows,
        circumstances,
        numbers=table.numbers,
        lines=table.lines,
        costs=costs,
        encode=encode,
        on_progress=lambda share, words: on_progress(
            _SPLIT_SHARE + (1 - _SPLIT_SHARE) * share, words
        ),
    )
