"""A window's file is read in: steps, Stop, once more, and another file in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.data.progress import Progress
from studio.errors import StudioError
from studio.settings import Home
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.own_data import OwnData
from studio.ui.reading import Reading
from studio.ui.waiting import Step
from tests import tiny


@pytest.fixture
def data(tmp_path: Path) -> OwnData:
    return Backstage(Home(tmp_path / "home").prepare()).own_data


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """A file of many rows."""
    file = tiny.write_csv(tmp_path / "large.csv", 100_000)
    return Draft(model_from="path", data_from="path", data_path=str(file))


@pytest.fixture
def held(data: OwnData, monkeypatch: pytest.MonkeyPatch) -> Held:
    """Reading begins, and goes no further before it is let go on."""
    held = Held(data.read)
    monkeypatch.setattr(data, "read", held)
    return held


class Held:
    """`read`, once `go_on` was called; what was begun is counted."""

    def __init__(self, read: Callable[[Draft, Progress], Draft]) -> None:
        self.begun: list[Draft] = []
        self._read = read
        self._may_go_on = threading.Event()

    def go_on(self) -> None:
        self._may_go_on.set()

    def __call__(self, draft: Draft, on_progress: Progress) -> Draft:
        self.begun.append(draft)
        while not self._may_go_on.wait(0.01):
            on_progress(0.0, "")
        return self._read(draft, on_progress)


def ended(reading: Generator[Step, None, Draft]) -> Draft:
    def wrapped() -> Generator[Step, None, None]:
        read.append((yield from reading))

    read: list[Draft] = []
    list(wrapped())
    return read[0]


def test_a_file_is_read_in_and_its_goal_recognised(data: OwnData, draft: Draft) -> None:
    assert not data.is_read(draft)
    assert data.without_unread(draft).data_file == ""
    read = ended(Reading(data).read("window", draft))

    assert read.objective_for == draft.data_file
    assert data.is_read(read)
    assert len(data.found(read).table.rows) == 100_000


def test_what_is_being_read_for_a_window_is_not_begun_a_second_time(
    data: OwnData, draft: Draft, held: Held
) -> None:
    reading = Reading(data)
    first, second = reading.read("window", draft), reading.read("window", replace(draft, name="x"))
    next(first)
    next(second)
    first.close()
    held.go_on()

    read_in = ended(second)
    assert len(held.begun) == 1
    assert (read_in.name, read_in.objective_for) == ("x", draft.data_file)


def test_a_reading_that_nobody_waited_for_is_begun_anew(
    data: OwnData, draft: Draft, held: Held
) -> None:
    reading = Reading(data)
    first = reading.read("window", draft)
    next(first)
    first.close()
    again = reading.read("window", draft)
    next(again)
    held.go_on()

    assert data.is_read(ended(again))
    assert len(held.begun) == 2


def test_a_stopped_reading_stays_stopped_until_it_is_asked_for_again(
    data: OwnData, draft: Draft, held: Held
) -> None:
    reading = Reading(data)
    steps = reading.read("window", draft)
    next(steps)
    reading.stop("window")
    ended(steps)
    held.go_on()

    assert not data.is_read(draft)
    with pytest.raises(StudioError, match="Reading was stopped"):
        data.found(draft)
    assert list(reading.read("window", draft)) == []  # as every handler of the page does
    data.let_go(draft)
    assert data.is_read(ended(reading.read("window", draft)))


def test_a_file_that_was_passed_over_for_another_one_is_given_up(
    data: OwnData, draft: Draft, tmp_path: Path, held: Held
) -> None:
    other = replace(draft, data_path=str(tiny.write_csv(tmp_path / "small.csv", 24)))
    reading = Reading(data)
    steps = reading.read("window", draft)
    next(steps)
    reading.pass_over("window", draft)  # the same file: goes on
    next(steps)
    reading.pass_over("window", other)
    ended(steps)
    held.go_on()

    assert not data.is_read(draft)
    assert data.is_read(ended(reading.read("window", other)))


def test_what_is_quickly_found_wrong_may_be_mended_and_chosen_again(
    data: OwnData, draft: Draft, tmp_path: Path
) -> None:
    missing = replace(draft, data_path=str(tmp_path / "later.csv"))
    reading = Reading(data)
    ended(reading.read("window", missing))
    with pytest.raises(StudioError, match="There is no file"):
        data.found(missing)
    tiny.write_csv(tmp_path / "later.csv", 24)

    assert not data.is_held_back(missing)
    assert data.is_read(ended(reading.read("window", missing)))
