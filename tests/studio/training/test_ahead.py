"""Encoding ahead: every row is the same whoever encodes it, and what goes wrong is said where it is wanted."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from studio.errors import DataProblem
from studio.objectives import Encoded
from studio.training.ahead import CHUNK, Ahead
from studio.training.packed_rows import PackedRows

COUNT = 3 * CHUNK + 5


def row(place: int) -> Encoded:
    return Encoded([place, place + 1], [0, 1])


def make(begin: int, end: int) -> list[Encoded]:
    return [row(place) for place in range(begin, end)]


def test_all_rows_are_encoded_in_their_order_and_kept() -> None:
    kept: list[PackedRows] = []

    def keep(rows: PackedRows) -> PackedRows:
        kept.append(rows)
        return rows

    ahead = Ahead(COUNT, make, keep=keep)
    ahead.start()
    ahead.wait()

    assert list(ahead) == make(0, COUNT)
    assert ahead[CHUNK : CHUNK + 2] == make(CHUNK, CHUNK + 2)
    assert [list(rows) for rows in kept] == [make(0, COUNT)]


def test_a_row_can_be_had_before_the_others_are_encoded() -> None:
    may_go_on = threading.Event()
    asked: list[int] = []

    def slowly(begin: int, end: int) -> list[Encoded]:
        if threading.current_thread() is not threading.main_thread():
            may_go_on.wait(30)
        asked.append(begin)
        return make(begin, end)

    ahead = Ahead(COUNT, slowly)
    # The thread is not started: whoever asks encodes what it needs, and no more.
    assert ahead[2 * CHUNK + 1] == row(2 * CHUNK + 1)
    assert ahead[COUNT - 1] == row(COUNT - 1)
    assert asked == [2 * CHUNK + 1, COUNT - 1]
    assert not ahead.is_done
    ahead.start()
    may_go_on.set()
    ahead.wait()
    assert list(ahead) == make(0, COUNT)
    assert asked[2:] == [0, CHUNK, 2 * CHUNK, 3 * CHUNK]


def test_rows_that_are_known_are_not_encoded() -> None:
    def never(begin: int, end: int) -> list[Encoded]:
        raise AssertionError

    ahead = Ahead(COUNT, never, PackedRows.of(make(0, COUNT)))
    ahead.start()
    ahead.wait()

    assert list(ahead) == make(0, COUNT)


def test_who_watches_sees_every_row_once_however_late() -> None:
    early: list[Encoded] = []
    late: list[Encoded] = []
    ahead = Ahead(COUNT, make)
    ahead.watch(lambda begin, rows: early.extend(rows))
    ahead.start()
    ahead.wait()
    ahead.watch(lambda begin, rows: late.extend(rows))

    assert early == late == make(0, COUNT)


@pytest.mark.parametrize("where", ["encoding", "watching", "at the end"])
def test_what_went_wrong_is_raised_where_a_row_is_wanted(where: str) -> None:
    def fail(*_: object) -> list[Encoded]:
        raise DataProblem("Row 7 is broken.")

    def ok(begin: int, rows: Sequence[Encoded]) -> None:
        pass

    ahead = Ahead(
        COUNT,
        fail if where == "encoding" else make,
        at_end=fail if where == "at the end" else lambda: None,  # type: ignore[arg-type]
    )
    ahead.watch(fail if where == "watching" else ok)  # type: ignore[arg-type]
    ahead.start()

    with pytest.raises(DataProblem, match="Row 7"):
        ahead.wait()
    with pytest.raises(DataProblem, match="Row 7"):
        ahead[0]
