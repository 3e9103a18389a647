"""The same question, but for case and blanks, with different answers."""

from __future__ import annotations

from array import array
from dataclasses import replace

import numpy as np

from studio.checks.batch import Batch
from studio.checks.check import LEAVE_OUT, Check, Circumstances, Finding
from studio.checks.repeats import disagreeing, hashed


class Conflicts:
    """Remembers a hash of every question and of every answer."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._questions, self._answers, self._rows = array("q"), array("q"), array("q")

    def look(self, batch: Batch) -> None:
        """Hash each question and answer."""
        self._questions += hashed(batch.plain_questions)
        self._answers += hashed(batch.answers)
        self._rows.extend(batch.places)

    def found(self) -> Finding | None:
        """Every row of a question that is answered in more than one way."""
        found = disagreeing(self._questions, self._answers)
        if not found:
            return None
        rows = np.frombuffer(self._rows, np.int64)
        words = (
            f"the same question has different answers ({len(found):,} such "
            f"question{'s' * (len(found) > 1)}). Keep the answer that is right"
        )
        return Finding(
            np.sort(rows[np.concatenate(found)]),
            words,
            data={
                "not_first": np.concatenate([rows[places[1:]] for places in found]).tolist(),
                "not_last": np.concatenate([rows[places[:-1]] for places in found]).tolist(),
            },
        )


CHECK = Check(
    name="conflicts",
    title="One question, several answers",
    why="The model cannot learn both: it ends somewhere between them, or at the more frequent one. "
    "Where several answers are all good, this is no fault.",
    begin=Conflicts,
    # Two answers to one question are what preferences are made of; a text to continue has no question.
    not_for=frozenset({"preference", "text"}),
    fixes=(
        replace(LEAVE_OUT, name="keep_first", title="Keep the first answer", rows="not_first"),
        replace(LEAVE_OUT, name="keep_last", title="Keep the last answer", rows="not_last"),
    ),
)
