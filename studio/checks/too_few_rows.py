"""Fewer rows than the goal needs."""

from __future__ import annotations

from studio.checks.batch import Batch
from studio.checks.check import Check, Circumstances, Finding
from studio.data.examples import MINIMUM_ROWS


class TooFew:
    """Counts the rows that can be used."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._usable = 0

    def look(self, batch: Batch) -> None:
        """Count a batch."""
        self._usable += len(batch.places)

    def found(self) -> Finding | None:
        """A sentence without rows."""
        if self._usable >= MINIMUM_ROWS:
            return None
        words = (
            f"Only {self._usable} row{'' if self._usable == 1 else 's'} can be used. At least "
            f"{MINIMUM_ROWS} are needed to learn anything dependable; 50 or more are a good start."
        )
        return Finding((), words)


CHECK = Check(
    name="too_few_rows",
    title="Too few rows",
    why="From a handful of rows a model learns those rows by heart and little else.",
    begin=TooFew,
    weight="note",
)
