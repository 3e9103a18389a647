"""Rows that say nearly the same as an earlier row."""

from __future__ import annotations

from array import array

import numpy as np

from studio.checks.batch import Batch, plain
from studio.checks.check import LEAVE_OUT, Check, Circumstances, Finding
from studio.checks.minhash import NEAR, NearTexts
from studio.checks.repeats import hashed, later_ones


class NearDuplicates:
    """Sketches each text that is not word for word an earlier one."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._progress = circumstances.on_progress
        self._texts = NearTexts(circumstances.folder)
        self._seen: set[int] = set()
        self._written, self._rows = array("q"), array("q")
        self._sketched, self._only_case = array("q"), array("q")

    def look(self, batch: Batch) -> None:
        """Sketch the texts that are new but for case and blanks."""
        self._written += hashed(batch.texts)
        new = []
        for row, text in zip(batch.places, map(plain, batch.texts), strict=True):
            key = hash(text)
            if key in self._seen:
                self._only_case.append(len(self._rows))
            else:
                self._seen.add(key)
                self._sketched.append(row)
                new.append(text)
            self._rows.append(row)
        self._texts.add(new)

    def found(self) -> Finding | None:
        """The rows that are near an earlier one; those equal word for word are another check's."""
        try:
            near = self._texts.near_an_earlier_one(self._progress)
        finally:
            self._texts.close()
        rows = np.frombuffer(self._rows, np.int64) if self._rows else np.empty(0, np.int64)
        only_case = np.setdiff1d(np.array(self._only_case, np.int64), later_ones(self._written))
        found = np.sort(np.r_[np.array(self._sketched, np.int64)[near], rows[only_case]])
        if not len(found):
            return None
        words = (
            f"nearly the same as an earlier row (at least {NEAR:.0%} of their pieces of text are "
            "shared)"
        )
        return Finding(found, words)


CHECK = Check(
    name="near_duplicates",
    title="Nearly repeated rows",
    why="Many variants of one row teach that row more than all others. A form that fills up the same "
    "sentence is no fault.",
    begin=NearDuplicates,
    weight="note",
    cost="dear",
    fixes=(LEAVE_OUT,),
)
