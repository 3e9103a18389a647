"""What a page says and does while the database is busy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.errors import StoreBusy
from studio.ui.patience import STALE_S, Pulse, patiently


class Clock:
    """Seconds that pass as the test says."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_a_look_that_misses_says_nothing_until_that_has_lasted() -> None:
    clock = Clock()
    pulse = Pulse(now=lambda: 1_000_000.0, elapsed=clock)
    pulse.seen()
    first = pulse.missed()
    clock.s += STALE_S

    assert (first, "This is how it was at" in pulse.missed()) == ("", True)


def test_one_look_that_sees_it_ends_what_was_missed() -> None:
    clock = Clock()
    pulse = Pulse(elapsed=clock)
    pulse.missed()
    pulse.seen()
    clock.s += STALE_S

    assert pulse.missed() == ""


def test_an_act_is_done_as_soon_as_the_database_is_free() -> None:
    def busy_twice() -> Iterator[bool]:
        yield from (True, True, False)

    states = busy_twice()

    def act() -> str:
        if next(states):
            raise StoreBusy(Path("studio.db"))
        return "done"

    assert patiently(act) == "done"


def test_an_act_gives_up_in_words_when_the_database_stays_busy() -> None:
    def act() -> None:
        raise StoreBusy(Path("studio.db"))

    with pytest.raises(StoreBusy, match="Try again in a moment"):
        patiently(act, patience_s=0.0)
