"""The list as windows see it: read anew when the file changed, and not for each of their looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.settings import Home
from studio.ui.backstage import Backstage
from studio.ui.looked import Looked


@pytest.fixture
def backstage(tmp_path: Path) -> Backstage:
    """What pages act on, in a home of the test's own."""
    return Backstage(Home(tmp_path / "home").prepare())


def test_while_nothing_changes_all_looks_give_the_same_reading(backstage: Backstage) -> None:
    backstage.orders.queue.store.enqueue("train", {})
    looked = Looked(backstage, 1000)
    first = looked.look()
    assert looked.look() is first


def test_a_change_by_anybody_is_seen_at_the_next_look(backstage: Backstage) -> None:
    looked = Looked(backstage, 1000)
    assert looked.look().jobs == []
    job = backstage.orders.queue.store.enqueue("train", {})
    assert [each.id for each in looked.look().jobs] == [job.id]
    backstage.library.notes.star(job.id, True)
    starred = looked.look()
    assert starred.notes[job.id].is_starred
    backstage.orders.queue.store.cancel(job.id)
    assert looked.look().number > starred.number


def test_a_renewed_lease_makes_no_new_list(backstage: Backstage) -> None:
    looked = Looked(backstage, 1000)
    backstage.orders.queue.store.enqueue("train", {})
    first = looked.look()
    backstage.library.save_draft("a", {})  # the file changed, the list did not
    assert looked.look() is first
