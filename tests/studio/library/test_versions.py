"""Versions of a dataset: fixes are recorded and undone, and what was once held out is never trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.data.examples import Example, build
from studio.data.split import group_of
from studio.errors import DataProblem
from studio.library import Library
from studio.settings import Home


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(Home(tmp_path / "home"))
    yield library
    library.close()


def examples(*numbers: int) -> tuple[Example, ...]:
    rows = [{"q": f"Question {number}?", "a": f"Answer {number}"} for number in numbers]
    return build(rows, {"prompt": "q", "response": "a"}).examples


def groups(chosen: tuple[Example, ...]) -> set[bytes]:
    return set(map(group_of, chosen))


def test_a_fix_makes_a_version_and_the_one_before_stays_what_it_was(library: Library) -> None:
    first = library.versions.first("aaa")
    second = library.versions.add(first, "bbb", {"words": "2 rows were left out."})
    third = library.versions.add(second, "aaa", {"words": "Put back by hand."})

    assert (first.line, second.line, third.line) == ("aaa", "aaa", "aaa")
    assert [each.id for each in library.versions.history(third)] == [first.id, second.id, third.id]
    assert library.versions.get(second.id) == second
    assert second.parent is not None
    assert library.versions.get(second.parent) == first == library.versions.first("aaa")
    assert (first.words, second.words) == ("", "2 rows were left out.")


def test_a_version_that_is_not_there_is_said_in_words(library: Library) -> None:
    with pytest.raises(DataProblem, match="no version 7"):
        library.versions.get(7)


def test_what_a_run_holds_out_is_found_again_by_its_name_after_everything_changed(
    library: Library,
) -> None:
    name, rows = library.versions.freeze_split(examples(*range(50)), "aaa", 0.2, 0)
    assert name is not None
    before = library.versions.split(examples(*range(50)), "aaa", 0.2, 0, name)
    library.versions.freeze_split(examples(*range(50)), "aaa", 0.5, 3)

    assert library.versions.split(examples(*range(50)), "aaa", 0.2, 0, name) == before
    assert {example.row for example in before.held_out} == rows
    assert len(rows) == 10


def test_once_held_out_is_held_out_in_every_later_version_whatever_share_and_seed(
    library: Library,
) -> None:
    versions = library.versions
    first = versions.first("aaa")
    versions.freeze_split(examples(*range(60)), "aaa", 0.2, 0)
    held_out = versions.held_out("aaa")
    later = versions.add(first, "bbb", {})

    for hash_, share, seed in (("bbb", 0.05, 0), ("bbb", 0.3, 9), ("aaa", 0.01, 5)):
        now = versions.split(examples(*range(10, 60)), hash_, share, seed)
        still_there = held_out & groups(examples(*range(10, 60)))
        assert still_there
        assert groups(now.held_out) >= still_there
        assert not groups(now.training) & held_out
    assert later.line == "aaa"


def test_another_dataset_knows_nothing_of_it(library: Library) -> None:
    library.versions.freeze_split(examples(*range(50)), "aaa", 0.2, 0)
    assert library.versions.held_out("zzz") == frozenset()


def test_a_share_of_nothing_holds_out_nothing_and_writes_nothing_down(library: Library) -> None:
    assert library.versions.freeze_split(examples(*range(9)), "aaa", 0, 0).name is None
    assert library.versions.held_out("aaa") == frozenset()


def test_a_split_that_is_not_known_here_is_refused_in_words(library: Library) -> None:
    with pytest.raises(DataProblem, match="Start the run anew"):
        library.versions.split(examples(1, 2, 3), "aaa", 0.1, 0, "nowhere")
