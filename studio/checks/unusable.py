"""The finder behind the checks of rows that cannot become an example: it takes some of the reasons."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Collection

from studio.checks.batch import Batch
from studio.checks.cells import used_columns
from studio.checks.check import EXCERPTS, Excerpt, Finding, excerpt
from studio.data.examples.building import WHY


class Unusable:
    """Rows left out for one of the `reasons`: keys of `WHY`, which has the words."""

    def __init__(self, reasons: Collection[str]) -> None:
        self._reasons = reasons
        self._rows = array("q")
        self._counts: Counter[str] = Counter()
        self._excerpts: list[Excerpt] = []

    def look(self, batch: Batch) -> None:
        """Take note of a batch's unusable rows."""
        for place in sorted(batch.unusable):
            reason = batch.unusable[place]
            if reason not in self._reasons:
                continue
            self._rows.append(batch.first + place)
            self._counts[reason] += 1
            if len(self._excerpts) < EXCERPTS:
                row = batch.rows[place]
                names = used_columns(batch.roles, list(row))
                used = {name: value for name, value in row.items() if name in names}
                text = json.dumps(used, ensure_ascii=False, default=str)
                self._excerpts.append(excerpt(batch.first + place, text))

    def found(self) -> Finding | None:
        """The rows, and the words of every reason that occurred."""
        if not self._rows:
            return None
        said = [
            WHY[reason].partition(". Left out")[0]
            + (f" ({count:,})" if len(self._counts) > 1 else "")
            for reason, count in self._counts.most_common()
        ]
        words = f"{'; '.join(said)}. Left out of training until this is mended"
        return Finding(self._rows, words, tuple(self._excerpts))
