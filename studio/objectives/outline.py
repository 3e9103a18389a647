"""Outlines: the fixed text that a chat template writes around what is said, learnt once an order of roles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, zip_longest
from typing import Any

Turn = dict[str, Any]
Span = tuple[int, int]


@dataclass(frozen=True)
class Outline:
    """`pieces` stand before, between and after the contents; a mark is where an answer begins or ends.

    A mark counts the contents before it and the letters of fixed text before it.
    """

    pieces: tuple[str, ...]
    marks: tuple[tuple[Span, Span], ...]

    def text(self, contents: Sequence[str]) -> str:
        """The conversation as the template writes it, if it writes nothing but contents and fixed text."""
        return "".join(chain.from_iterable(zip_longest(self.pieces, contents, fillvalue="")))

    def spans(self, contents: Sequence[str]) -> list[Span]:
        """Where the answers stand in `text(contents)`, in letters."""
        said = [0, *accumulate(map(len, contents))]
        return [
            (said[first] + fixed, said[last] + fixed_to)
            for (first, fixed), (last, fixed_to) in self.marks
        ]


def outline_of(
    roles: Sequence[str], read: Callable[[Sequence[Turn]], tuple[str, list[Span]]]
) -> Outline | None:
    """The outline that `read`, which gives a conversation's text and answers, uses for these roles.

    None where the template does more than to put fixed text around what is said, as far as one
    conversation of made-up words tells: whoever uses an outline compares its text with the template's.
    """
    contents = [f"qwzx{number}xzwq" for number in range(len(roles))]
    text, spans = read(
        [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
    )
    begins = [text.find(content) for content in contents]
    if min(begins) < 0 or begins != sorted(begins) or any(text.count(c) != 1 for c in contents):
        return None
    ends = [begin + len(content) for begin, content in zip(begins, contents, strict=True)]
    pieces = tuple(
        text[end:begin] for end, begin in zip([0, *ends], [*begins, len(text)], strict=True)
    )
    marks = [tuple(_mark(place, begins, ends) for place in span) for span in spans]
    if any(None in pair for pair in marks):
        return None
    return Outline(pieces, tuple(marks))  # type: ignore[arg-type]  # of two marks each, none is None


def _mark(place: int, begins: Sequence[int], ends: Sequence[int]) -> Span | None:
    """A place of the text as a mark; None within a content."""
    before = bisect_right(ends, place)
    if before < len(begins) and place > begins[before]:
        return None
    said = sum(ends[at] - begins[at] for at in range(before))
    return before, place - said
