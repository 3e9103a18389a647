"""Rows longer than the training takes: what stands behind the cut is not learnt."""

from __future__ import annotations

from array import array

from studio.checks.batch import Batch
from studio.checks.check import EXCERPTS, LEAVE_OUT, Check, Circumstances, Excerpt, Finding, excerpt


class TooLong:
    """Compares each row's tokens with the longest that training takes."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._longest = circumstances.longest
        self._rows = array("q")
        self._lost = self._most = 0
        self._excerpts: list[Excerpt] = []

    def look(self, batch: Batch) -> None:
        """Note the rows that are cut and what of them is lost."""
        if self._longest is None or batch.tokens is None:
            return
        for row, tokens, text in zip(batch.places, batch.tokens, batch.texts, strict=True):
            # Texts to continue are cut into pieces, of which nothing is lost.
            if tokens.total > self._longest and tokens.left < tokens.trained:
                self._rows.append(row)
                self._lost += tokens.trained - tokens.left
                self._most = max(self._most, tokens.total)
                if len(self._excerpts) < EXCERPTS:
                    self._excerpts.append(excerpt(row, text))

    def found(self) -> Finding | None:
        """The rows that are cut."""
        if not self._rows:
            return None
        words = (
            f"longer than {self._longest:,} tokens, so their end is cut off: "
            f"{self._lost:,} tokens that were to be learnt are lost (the longest row has "
            f"{self._most:,}). Raise the longest length, or shorten these rows"
        )
        return Finding(self._rows, words, tuple(self._excerpts))


CHECK = Check(
    name="too_long",
    title="Rows that are cut",
    why="Of a row that is cut the model learns an answer without its end.",
    begin=TooLong,
    cost="tokens",
    fixes=(LEAVE_OUT,),
)
