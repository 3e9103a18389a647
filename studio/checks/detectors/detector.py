"""What every detector declares: what it finds, what stands in its place once masked, and how it finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Span = tuple[int, int]
"""Where something begins and ends in a text, in characters."""


@dataclass(frozen=True)
class Detector:
    """One kind of thing that does not belong into training data; `title` in the plural."""

    name: str
    title: str
    mask: str
    family: Literal["personal", "secret"]
    find: Callable[[str], Iterable[Span]]
    rank: int = 5
    """Where two detectors claim the same letters, the lower rank is right: an IBAN holds a phone number."""


def find_all(detectors: Iterable[Detector], text: str) -> list[tuple[Span, Detector]]:
    """What the detectors find in a text, in order, no two overlapping."""
    taken: list[tuple[Span, Detector]] = []
    for detector in sorted(detectors, key=lambda each: each.rank):
        for begin, end in detector.find(text):
            if all(end <= other[0] or other[1] <= begin for other, _ in taken):
                taken.append(((begin, end), detector))
    return sorted(taken, key=lambda each: each[0])


def masked(detectors: Iterable[Detector], text: str) -> str:
    """The text with each find replaced by its detector's mask."""
    return "".join(_pieces(text, find_all(detectors, text)))


def _pieces(text: str, found: list[tuple[Span, Detector]]) -> Iterator[str]:
    end = 0
    for (begin, after), detector in found:
        yield text[end:begin]
        yield detector.mask
        end = after
    yield text[end:]
