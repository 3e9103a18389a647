"""What the checks of labels share: counts of every spelling, and the rows that carry it."""

from __future__ import annotations

from array import array
from collections import Counter

from studio.checks.batch import Batch
from studio.checks.check import Circumstances
from studio.data import cells

MOST_LABELS = 1_000
"""A column with more different values than this holds texts, not labels."""


class Labels:
    """Collects the labels as they are written in the file; empty where the objective has none."""

    def __init__(self, circumstances: Circumstances) -> None:
        self._column = circumstances.roles.get("label")
        self.counts: Counter[str] = Counter()
        self.codes: dict[str, int] = {}
        self.kinds, self.rows = array("q"), array("q")

    def look(self, batch: Batch) -> None:
        """Note each row's label."""
        if self._column is None or len(self.counts) > MOST_LABELS:
            return
        for place, row in enumerate(batch.rows):
            value = cells.value(row, self._column)
            label = value if isinstance(value, str) else "" if value is None else str(value)
            if label.strip():
                self.counts[label] += 1
                self.kinds.append(self.codes.setdefault(label, len(self.codes)))
                self.rows.append(batch.first + place)

    @property
    def are_labels(self) -> bool:
        """Whether there are labels, and few enough of them to be labels."""
        return 0 < len(self.counts) <= MOST_LABELS
