"""Rows far longer or shorter than the others."""

from __future__ import annotations

from array import array

import numpy as np

from studio.checks.batch import Batch
from studio.checks.check import LEAVE_OUT, Check, Circumstances, Finding

# Of normally spread values 1 in 20,000 lies as far from the middle half as this.
_FAR = 3.0
_FEWEST_ROWS = 40
_LEAST_CHARACTERS = 400


class Outliers:
    """Remembers the length of every row."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._lengths, self._rows = array("q"), array("q")

    def look(self, batch: Batch) -> None:
        """Note each row's length in characters."""
        self._lengths.extend(map(len, batch.texts))
        self._rows.extend(batch.places)

    def found(self) -> Finding | None:
        """Rows whose length, on a scale of ratios, lies far outside the middle half of all rows."""
        if len(self._lengths) < _FEWEST_ROWS:
            return None
        lengths = np.frombuffer(self._lengths, np.int64)
        scale = np.log(lengths + 1.0)
        low, high = np.percentile(scale, (25, 75))
        # Where most rows are alike in length, a third more is still nothing unusual.
        reach = _FAR * max(high - low, 0.3)
        is_far = ((scale > high + reach) & (lengths >= _LEAST_CHARACTERS)) | (scale < low - reach)
        if not is_far.any():
            return None
        rows = np.frombuffer(self._rows, np.int64)[is_far]
        words = (
            f"these are far longer or shorter than the others ({lengths[is_far].min():,} to "
            f"{lengths[is_far].max():,} characters; half of all rows have "
            f"{np.exp(low) - 1:,.0f} to {np.exp(high) - 1:,.0f})"
        )
        return Finding(rows, words)


CHECK = Check(
    name="outliers",
    title="Far outliers",
    why="Rows of quite another length are often something else that got in: a whole document, a "
    "broken line. Long ones also decide how much memory a training needs.",
    begin=Outliers,
    weight="note",
    fixes=(LEAVE_OUT,),
)
