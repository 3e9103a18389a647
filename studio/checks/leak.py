"""Rows in training that also stand among those held out to check the result."""

from __future__ import annotations

import unicodedata
from array import array

import numpy as np

from studio.checks.batch import Batch
from studio.checks.check import LEAVE_OUT, Check, Circumstances, Finding


class Leak:
    """Compares questions by their letters and digits alone: punctuation and accents hide no leak."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._is_held_out = circumstances.held_out
        self._keys, self._rows = array("q"), array("q")

    def look(self, batch: Batch) -> None:
        """Hash the letters of each question."""
        if self._is_held_out is None:
            return
        self._keys.extend(
            hash(letters(question or answer))
            for question, answer in zip(batch.questions, batch.answers, strict=True)
        )
        self._rows.extend(batch.places)

    def found(self) -> Finding | None:
        """The rows trained on whose question is held out too."""
        if self._is_held_out is None or not self._rows:
            return None
        rows = np.frombuffer(self._rows, np.int64)
        keys = np.frombuffer(self._keys, np.int64)
        held_out = np.fromiter(map(self._is_held_out, self._rows), bool, len(rows))
        leaked = rows[~held_out & np.isin(keys, keys[held_out])]
        if not len(leaked):
            return None
        words = (
            "the question stands, but for signs and accents, among the rows held out to check the "
            "result too"
        )
        return Finding(leaked, words)


def letters(text: str) -> str:
    """A text's letters and digits, without case and accents."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return "".join(filter(str.isalnum, text.casefold()))


CHECK = Check(
    name="leak",
    title="Held-out rows in training",
    why="The check of the result would ask what the model has seen, and find it better than it is.",
    begin=Leak,
    cost="dear",
    fixes=(LEAVE_OUT,),
)
