"""The finder behind the checks that look for what detectors find, and the fix that masks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any, Literal

from studio.checks.batch import Batch
from studio.checks.cells import each_text
from studio.checks.check import Fix
from studio.checks.detectors import DETECTORS
from studio.checks.detectors.detector import Detector, find_all, masked
from studio.checks.search import Hit, Search
from studio.data.table import Row

Family = Literal["personal", "secret"]


def search(family: Family, words: str) -> Search:
    """A search for everything that the detectors of a family find."""
    detectors = _detectors(family)

    def finding(batch: Batch) -> Iterator[Hit]:
        for place, text in enumerate(batch.texts):
            for (begin, _), detector in find_all(detectors, text):
                yield Hit(place, begin, detector.title)

    return Search(finding, words)


def masking(family: Family) -> Fix:
    """The fix that puts a mask such as `[EMAIL]` in the place of every find."""
    by_rank = sorted(_detectors(family), key=lambda each: each.rank)
    masks = ", ".join(each.mask for each in by_rank)
    return Fix("mask", f"Mask them ({masks})", partial(_masked, family))


def _masked(
    family: Family, row: Row, roles: Mapping[str, str], data: Mapping[str, Any]
) -> Row | None:
    detectors = _detectors(family)
    return each_text(row, roles, lambda text: masked(detectors, text))


@cache
def _detectors(family: Family) -> tuple[Detector, ...]:
    return tuple(each for each in DETECTORS.values() if each.family == family)
