"""Rows in another language than nearly all the others."""

from __future__ import annotations

from array import array
from collections import Counter

import numpy as np

from studio.checks.batch import Batch
from studio.checks.check import LEAVE_OUT, Check, Circumstances, Finding
from studio.checks.language import NAMES, language_of

_MOST = 0.8
"""From this share of rows on, one language is the file's own and the others stand out."""


class Languages:
    """Counts the languages of questions and answers apart: translations have two, each its own."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._codes: dict[tuple[str | None, str | None], int] = {}
        self._kinds, self._rows = array("q"), array("q")

    def look(self, batch: Batch) -> None:
        """Note the languages of each row."""
        for row, question, answer in zip(batch.places, batch.questions, batch.answers, strict=True):
            pair = language_of(question), language_of(answer)
            self._kinds.append(self._codes.setdefault(pair, len(self._codes)))
            self._rows.append(row)

    def found(self) -> Finding | None:
        """Rows whose question or answer is in another language than at least four fifths of them."""
        if not self._kinds:
            return None
        kinds = np.frombuffer(self._kinds, np.int64)
        counts = np.bincount(kinds, minlength=len(self._codes))
        own = [self._own(counts, side) for side in (0, 1)]
        strange = np.zeros(len(self._codes), bool)
        said: Counter[str] = Counter()
        for pair, kind in self._codes.items():
            odd = {
                code
                for code, usual in zip(pair, own, strict=True)
                if code and usual and code != usual
            }
            if odd:
                strange[kind] = True
                said.update({NAMES[code]: int(counts[kind]) for code in odd})
        if not strange.any():
            return None
        rows = np.frombuffer(self._rows, np.int64)[strange[kinds]]
        names = " and ".join(dict.fromkeys(NAMES[code] for code in own if code))
        found = ", ".join(f"{name} ({count:,})" for name, count in said.most_common())
        return Finding(rows, f"nearly all other rows are in {names}; these are in {found}")

    def _own(self, counts: np.ndarray, side: int) -> str | None:
        known: Counter[str] = Counter()
        for pair, kind in self._codes.items():
            if code := pair[side]:
                known[code] += int(counts[kind])
        (code, most), *_ = known.most_common(1) or [("", 0)]
        return code if most >= _MOST * sum(known.values()) and most else None


CHECK = Check(
    name="languages",
    title="Mixed languages",
    why="The model answers in the language it saw most; a few rows in another one teach it neither.",
    begin=Languages,
    weight="note",
    cost="dear",
    fixes=(LEAVE_OUT,),
)
