"""Work while a page waits: its steps, its outcome, and its end when nobody waits any more."""

from __future__ import annotations

import threading

import pytest

from studio.data.progress import Progress
from studio.ui.waiting import Abandoned, Work


def test_work_that_is_done_soon_shows_no_step() -> None:
    work = Work(lambda progress: 7)
    assert list(work.steps()) == []
    assert work.value() == 7


def test_the_steps_say_how_far_it_is() -> None:
    go_on = threading.Event()

    def make(progress: Progress) -> str:
        progress(0.5, "Row 5")
        go_on.wait()
        return "done"

    work = Work(make)
    seen = []
    for step in work.steps():
        seen.append((step.share, step.words))
        go_on.set()
    assert seen == [(0.5, "Row 5")]
    assert work.value() == "done"


def test_what_it_raises_is_raised_where_it_is_waited_for() -> None:
    def make(progress: Progress) -> None:
        raise KeyError("x")

    work = Work(make)
    list(work.steps())
    with pytest.raises(KeyError):
        work.value()


def test_it_goes_on_as_long_as_one_of_several_waits_for_it() -> None:
    go_on = threading.Event()

    def make(progress: Progress) -> str:
        while not go_on.is_set():
            progress(0.1, "on and on")
        return "done"

    work = Work(make)
    one, other = work.steps(), work.steps()
    next(one)
    next(other)
    one.close()
    assert not work.is_abandoned
    next(other)
    go_on.set()
    list(other)
    assert work.value() == "done"


def test_what_is_to_go_on_does_so_where_nobody_waits_and_can_be_stopped() -> None:
    def make(progress: Progress) -> None:
        while True:
            progress(0.1, "on and on")

    work = Work(make, goes_on=True)
    steps = work.steps()
    next(steps)
    steps.close()
    assert not work.is_abandoned
    work.stop()
    with pytest.raises(Abandoned):
        work.value()


def test_it_ends_at_its_next_step_once_nobody_waits() -> None:
    def make(progress: Progress) -> None:
        while True:
            progress(0.1, "on and on")

    work = Work(make)
    steps = work.steps()
    next(steps)
    steps.close()
    with pytest.raises(Abandoned):
        work.value()
