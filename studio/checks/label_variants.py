"""Labels that differ only by case or blanks: `Spam`, `spam` and `spam ` are three to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from studio.checks.batch import plain
from studio.checks.check import Check, Finding, Fix
from studio.checks.labels import Labels
from studio.data.table import Row


class LabelVariants(Labels):
    """Groups the spellings of one label."""

    def found(self) -> Finding | None:
        """Rows whose label is written otherwise than the most frequent spelling of it."""
        if not self.are_labels:
            return None
        usual: dict[str, str] = {}
        for label, _ in self.counts.most_common():
            usual.setdefault(plain(label), label.strip())
        change = {
            label: usual[plain(label)] for label in self.counts if label != usual[plain(label)]
        }
        # A label that has one spelling only, with a blank at its end, is no harm.
        spellings = {plain(label): 0 for label in self.counts}
        for label in self.counts:
            spellings[plain(label)] += 1
        change = {label: new for label, new in change.items() if spellings[plain(label)] > 1}
        if not change:
            return None
        wrong = np.isin(
            np.frombuffer(self.kinds, np.int64), [self.codes[label] for label in change]
        )
        said = ", ".join(f"'{label}' for '{new}'" for label, new in list(change.items())[:5])
        more = f" and {len(change) - 5} more" if len(change) > 5 else ""
        words = f"the label is written in another way than usual: {said}{more}"
        return Finding(np.frombuffer(self.rows, np.int64)[wrong], words, data={"change": change})


def _unify(row: Row, roles: Mapping[str, str], data: Mapping[str, Any]) -> Row | None:
    column = roles["label"]
    if column not in row:
        return row  # a value inside another column: not to be written from here
    return {**row, column: data["change"].get(row[column], row[column])}


CHECK = Check(
    name="label_variants",
    title="One label, several spellings",
    why="Each spelling counts as a label of its own: the model has to guess which one is wanted.",
    begin=LabelVariants,
    fixes=(Fix("unify", "Write them all the usual way", _unify),),
)
