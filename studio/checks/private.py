"""The finder behind the checks that look for what detectors find, and the fix that masks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from studio.checks.batch import Batch
from studio.checks.cells import each_text
from studio.checks.check import Fix
from studio.checks.detectors import DETECTORS
from studio.checks.detectors.detector import find_all, masked
from studio.checks.search import Hit, Search
from studio.data.table import Row

Family = Literal["personal", "secret"]


def search(family: Family, words: str) -> Search:
    """A search for everything that the detectors of a family find."""
    detectors = [each for each in DETECTORS.values() if each.family == family]

    def finding(batch: Batch) -> Iterator[Hit]:
        for place, text in enumerate(batch.texts):
            for (begin, _), detector in find_all(detectors, text):
                yield Hit(place, begin, detector.title)

    return Search(finding, words)


def masking(family: Family) -> Fix:
    """The fix that puts a mask such as `[EMAIL]` in the place of every find."""
    detectors = [each for each in DETECTORS.values() if each.family == family]

    def change(row: Row, roles: Mapping[str, str], data: Mapping[str, Any]) -> Row | None:
        return each_text(row, roles, lambda text: masked(detectors, text))

    masks = ", ".join(each.mask for each in sorted(detectors, key=lambda each: each.rank))
    return Fix("mask", f"Mask them ({masks})", change)
