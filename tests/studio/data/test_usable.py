"""Usable examples: the same as those held in memory, made anew each time, with progress."""

from __future__ import annotations

import pytest

from studio.data.examples import build
from studio.data.usable import Usable

ROWS = [{"q": f"Question {n}?", "a": "" if n % 5 == 0 else f"Answer {n}"} for n in range(2_500)]
ROLES = {"prompt": "q", "response": "a"}


def test_they_are_the_examples_of_the_rows_as_often_as_asked_for() -> None:
    held = build(ROWS, ROLES).examples
    usable = Usable(ROWS, ROLES, "chat", len(held))

    assert len(usable) == len(held) == 2_000
    for _ in range(2):
        assert [each.messages for each in usable] == [each.messages for each in held]
    assert held[0] in usable


def test_rows_that_are_left_out_do_not_come() -> None:
    usable = Usable(ROWS, ROLES, "chat", 1_998, left_out={1, 2})

    assert [each.row for each in usable][:3] == [3, 4, 6]
    assert len(list(usable)) == len(usable)


def test_what_progress_raises_ends_it() -> None:
    heard: list[tuple[float, str]] = []

    def hear(share: float, words: str) -> None:
        heard.append((share, words))
        if share > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        list(Usable(ROWS, ROLES, "chat", 2_000, on_progress=hear))
    assert heard[1:] == [(0.4, "Row 1,000 of 2,500"), (0.8, "Row 2,000 of 2,500")]
