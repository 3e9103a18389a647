"""Labels of which one stands far more often than another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from studio.checks.batch import plain
from studio.checks.check import LEAVE_OUT, Check, Finding
from studio.checks.labels import Labels

_RATIO = 10
_FEWEST = 8


class Imbalance(Labels):
    """Compares the most frequent label with the rarest."""

    def found(self) -> Finding | None:
        """The rows of the rarest labels; `surplus` are those of the frequent ones above ten times as many."""
        counts: Counter[str] = Counter()
        for label, count in self.counts.items():
            counts[plain(label)] += count
        if not self.are_labels or len(counts) < 2:
            return None
        (often, most), *_, (_, least) = counts.most_common()
        if most < _RATIO * least:
            return None
        kinds = np.frombuffer(self.kinds, np.int64)
        rows = np.frombuffer(self.rows, np.int64)
        rare = [label for label, count in counts.items() if most >= _RATIO * count]
        limit = _RATIO * max(least, _FEWEST)
        surplus: list[int] = []
        for label, count in counts.items():
            if count > limit:
                codes = [code for written, code in self.codes.items() if plain(written) == label]
                surplus += rows[np.isin(kinds, codes)][limit:].tolist()
        codes = [code for written, code in self.codes.items() if plain(written) in rare]
        names = ", ".join(f"'{label}' ({counts[label]:,})" for label in rare[:5])
        words = (
            f"the label is rare: {names}, against '{often}' ({most:,}). Add rows of the rare ones, "
            "or leave some of the frequent one out"
        )
        return Finding(rows[np.isin(kinds, codes)], words, data={"surplus": sorted(surplus)})


CHECK = Check(
    name="imbalance",
    title="Labels out of balance",
    why="Where one label is far more frequent, always saying that one is right most of the time: "
    "that is what the model learns.",
    begin=Imbalance,
    weight="note",
    fixes=(
        replace(LEAVE_OUT, name="thin_out", title="Thin out the frequent label", rows="surplus"),
    ),
)
