"""The order of waiting jobs by hand."""

from __future__ import annotations

import pytest

from jobs.errors import BadJob, WrongState
from jobs.processes.identity import Identity
from jobs.store import Store
from tests.jobs.test_store import claimed, waiting_ids


def test_waiting_jobs_are_moved_before_and_after_each_other(store: Store) -> None:
    for _ in range(4):
        store.enqueue("train", {})
    store.reorder(4, before=2)
    assert waiting_ids(store) == [1, 4, 2, 3]
    store.reorder(1, after=3)
    assert waiting_ids(store) == [4, 2, 3, 1]
    store.reorder(1, before=4)
    assert waiting_ids(store) == [1, 4, 2, 3]


def test_a_moved_job_takes_the_priority_of_its_new_neighbour(store: Store) -> None:
    store.enqueue("train", {}, priority=5)
    store.enqueue("train", {}, priority=5)
    store.enqueue("train", {})
    assert store.reorder(3, after=1).priority == 5
    assert waiting_ids(store) == [1, 3, 2]


def test_the_same_gap_can_be_halved_for_ever(store: Store) -> None:
    for _ in range(3):
        store.enqueue("train", {})
    for turn in range(70):
        moved, before = (2, 3) if turn % 2 else (3, 2)
        store.reorder(moved, before=before)
        assert waiting_ids(store) == [1, moved, before]


def test_only_waiting_jobs_have_an_order(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    store.enqueue("train", {})
    claimed(store, me)
    with pytest.raises(WrongState, match="Job 1 is not waiting"):
        store.reorder(2, before=1)
    with pytest.raises(BadJob, match="either before or after"):
        store.reorder(2)


def test_a_paused_job_comes_back_between_its_old_neighbours(store: Store) -> None:
    for _ in range(4):
        store.enqueue("train", {})
    store.pause(2)
    store.reorder(4, before=3)
    store.resume(2)
    assert waiting_ids(store) == [1, 2, 4, 3]
