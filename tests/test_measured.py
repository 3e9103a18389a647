"""Results that are kept, also where two measurements write into one file."""

from __future__ import annotations

from pathlib import Path

from tests.measured import Measured, commit, is_made_of


def test_a_cell_is_read_back_with_its_commit(tmp_path: Path) -> None:
    Measured("speed", tmp_path).keep("ours", {"seconds": 2.0})

    found = Measured("speed", tmp_path).get("ours")

    assert found is not None
    assert found["seconds"] == 2.0
    assert found["commit"]


def test_a_cell_that_is_measured_again_takes_the_old_one_s_place(tmp_path: Path) -> None:
    kept = Measured("speed", tmp_path)
    kept.keep("ours", {"seconds": 2.0})
    kept.keep("ours", {"seconds": 1.0})

    assert [cell["seconds"] for cell in Measured("speed", tmp_path)] == [1.0]


def test_two_runs_into_one_file_keep_each_other_s_cells(tmp_path: Path) -> None:
    one, other = Measured("speed", tmp_path), Measured("speed", tmp_path)
    one.keep("ours", {"seconds": 2.0})
    other.keep("theirs", {"seconds": 3.0})

    assert {cell["cell"] for cell in Measured("speed", tmp_path)} == {"ours", "theirs"}


def test_a_cell_stands_for_the_code_as_long_as_that_is_unchanged() -> None:
    """`LICENSE` never changes; what a commit that nobody knows was made of, nobody knows."""
    assert is_made_of({"commit": commit()}, ["LICENSE"])
    assert not is_made_of({"commit": "0000000"}, ["LICENSE"])


def test_a_cell_made_before_a_change_does_not_stand_for_the_code() -> None:
    first = {"commit": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}  # git's name for an empty tree

    assert not is_made_of(first, ["LICENSE"])
