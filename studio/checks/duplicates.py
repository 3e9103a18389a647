"""Rows that say word for word the same as an earlier row."""

from __future__ import annotations

from array import array

import numpy as np

from studio.checks.batch import Batch
from studio.checks.check import LEAVE_OUT, Check, Circumstances, Finding
from studio.checks.repeats import hashed, later_ones


class Duplicates:
    """Remembers a hash of every row."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._keys, self._rows = array("q"), array("q")

    def look(self, batch: Batch) -> None:
        """Hash each example."""
        self._keys += hashed(batch.texts)
        self._rows.extend(batch.places)

    def found(self) -> Finding | None:
        """All but the first of equal rows."""
        later = later_ones(self._keys)
        if not len(later):
            return None
        words = (
            "question and answer are the same as in an earlier row. They are used all the same; "
            "leave them out if they are there by mistake"
        )
        return Finding(np.frombuffer(self._rows, np.int64)[later], words)


CHECK = Check(
    name="duplicates",
    title="Repeated rows",
    why="A row that stands twice counts twice: the model learns it by heart sooner than the others.",
    begin=Duplicates,
    fixes=(LEAVE_OUT,),
)
