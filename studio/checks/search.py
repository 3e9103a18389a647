"""The finder behind the checks that look at one row at a time: it collects rows, kinds and excerpts."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from studio.checks.batch import Batch
from studio.checks.check import EXCERPTS, Excerpt, Finding, excerpt


class Hit(NamedTuple):
    """Something in the example at `place` of a batch, about the character `at`; `kind` in words."""

    place: int
    at: int = 0
    kind: str = ""


class Search:
    """Runs `find` over every batch; `words` may hold `{kinds}`: each kind with its number of rows."""

    def __init__(self, find: Callable[[Batch], Iterable[Hit]], words: str) -> None:
        self._find = find
        self._words = words
        self._rows = array("q")
        self._kinds: Counter[str] = Counter()
        self._excerpts: list[Excerpt] = []

    def look(self, batch: Batch) -> None:
        """Collect the hits of a batch; a row counts once, and once for each kind."""
        last, kinds = -1, set[str]()
        for hit in self._find(batch):
            if hit.place != last:
                last, kinds = hit.place, set()
                row = batch.places[hit.place]
                self._rows.append(row)
                if len(self._excerpts) < EXCERPTS:
                    self._excerpts.append(excerpt(row, batch.texts[hit.place], hit.at))
            if hit.kind not in kinds:
                kinds.add(hit.kind)
                self._kinds[hit.kind] += 1

    def found(self) -> Finding | None:
        """The rows with their kinds."""
        if not self._rows:
            return None
        kinds = ", ".join(f"{kind} ({count:,})" for kind, count in self._kinds.most_common())
        return Finding(self._rows, self._words.format(kinds=kinds), tuple(self._excerpts))
