"""Rows become values."""

from __future__ import annotations

from jobs.database import Database
from jobs.models import Intent, JobState
from jobs.processes.identity import Identity
from jobs.rows import get, waiting_in_order
from jobs.store import Store
from tests.jobs.test_store import claimed


def test_states_and_intents_are_more_than_text(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    store.cancel(claimed(store, me).id)
    with Database(store.path).reading() as connection:
        job = get(connection, 1)
    assert (type(job.state), type(job.intent)) == (JobState, Intent)


def test_waiting_jobs_know_the_job_they_come_after(store: Store) -> None:
    store.enqueue("convert", {}, name="starter")
    store.enqueue("train", {}, after=1)
    with Database(store.path).reading() as connection:
        first, second = waiting_in_order(connection)
    assert (first.first_id, first.first_state) == (None, None)
    assert (second.first_id, second.first_name, second.first_state) == (1, "starter", "queued")
