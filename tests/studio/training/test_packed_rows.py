"""Packed rows: what comes out is what went in, from memory and from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.objectives import Encoded
from studio.training.packed_rows import PackedRows

LINE = Encoded([7, 2**30 - 1], [0, 1])
ROWS = [
    Encoded([1, 2, 3], [0, 1, 1]),
    Encoded([4], [0], rejected=LINE, weight=2.5),
    Encoded([5, 6], [1, 0], mismatched=LINE, is_good=False),
    Encoded([8], [0], rejected=LINE, mismatched=Encoded([9], [1])),
    Encoded([1, 1], [0, 0], target=(3, 0, 2**40)),
    Encoded([2], [1]),
]


def test_rows_come_back_as_they_were() -> None:
    packed = PackedRows.of(ROWS)

    assert list(packed) == ROWS
    assert packed[1:3] == ROWS[1:3]
    assert packed[-1] == ROWS[-1]
    assert len(packed) == 6
    with pytest.raises(IndexError):
        packed[6]


def test_parts_joined_are_the_rows_of_all() -> None:
    joined = PackedRows.joined(
        [PackedRows.of(ROWS[:2]), PackedRows.of([]), PackedRows.of(ROWS[2:])]
    )

    assert list(joined) == ROWS


def test_a_row_that_holds_more_is_refused() -> None:
    with pytest.raises(ValueError, match="its tokens and nothing else"):
        PackedRows.of([Encoded([1], [1], rejected=Encoded([1], [1], target=(1,)))])


def test_files_give_the_rows_and_a_changed_one_is_found(tmp_path: Path) -> None:
    PackedRows.of(ROWS).save(tmp_path)
    assert list(PackedRows.open(tmp_path)) == ROWS

    tokens = np.load(tmp_path / "tokens.npy")
    np.save(tmp_path / "tokens.npy", tokens + 2)
    with pytest.raises(ValueError, match="was changed"):
        PackedRows.open(tmp_path)
