"""A window's file is read in: steps, Stop, once more, and another file in between."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from studio.checks.survey import Progress
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
    """A file that takes a second or two."""
    file = tiny.write_csv(tmp_path / "large.csv", 100_000)
    return Draft(model_from="path", data_from="path", data_path=str(file))


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
    data: OwnData, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Draft] = []
    read = data.read

    def counted(draft: Draft, on_progress: Progress) -> Draft:
        begun.append(draft)
        return read(draft, on_progress)

    monkeypatch.setattr(data, "read", counted)
    reading = Reading(data)
    first, second = reading.read("window", draft), reading.read("window", replace(draft, name="x"))
    next(first)
    next(second)
    first.close()

    read_in = ended(second)
    assert len(begun) == 1
    assert (read_in.name, read_in.objective_for) == ("x", draft.data_file)


def test_a_reading_that_nobody_waited_for_is_begun_anew(data: OwnData, draft: Draft) -> None:
    reading = Reading(data)
    first = reading.read("window", draft)
    next(first)
    first.close()

    assert data.is_read(ended(reading.read("window", draft)))


def test_a_stopped_reading_stays_stopped_until_it_is_asked_for_again(
    data: OwnData, draft: Draft
) -> None:
    reading = Reading(data)
    steps = reading.read("window", draft)
    next(steps)
    reading.stop("window")
    ended(steps)

    assert not data.is_read(draft)
    with pytest.raises(StudioError, match="Reading was stopped"):
        data.found(draft)
    assert list(reading.read("window", draft)) == []  # as every handler of the page does
    data.let_go(draft)
    assert data.is_read(ended(reading.read("window", draft)))


def test_a_file_that_was_passed_over_for_another_one_is_given_up(
    data: OwnData, draft: Draft, tmp_path: Path
) -> None:
    other = replace(draft, data_path=str(tiny.write_csv(tmp_path / "small.csv", 24)))
    reading = Reading(data)
    steps = reading.read("window", draft)
    next(steps)
    reading.pass_over("window", draft)  # the same file: goes on
    next(steps)
    reading.pass_over("window", other)
    ended(steps)

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
