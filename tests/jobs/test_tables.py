"""What the database itself keeps true, whoever writes to it."""

from __future__ import annotations

import sqlite3

import pytest

from jobs.processes.identity import Identity
from jobs.store import Store
from tests.jobs.test_store import claimed


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET state = 'lost'",
        "UPDATE jobs SET state = 'running'",
        "UPDATE jobs SET lease_token = 'mine'",
        "UPDATE jobs SET intent = 'hurry'",
        "UPDATE jobs SET slots_wanted = 0",
        "UPDATE jobs SET after = 99",
        "INSERT INTO job_slots VALUES ('cpu:0', 99)",
    ],
)
def test_the_database_refuses_what_must_not_be(store: Store, statement: str) -> None:
    store.enqueue("train", {})
    connection = sqlite3.connect(store.path)
    connection.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()


def test_the_database_refuses_a_second_job_on_a_slot(store: Store, me: Identity) -> None:
    store.enqueue("train", {})
    store.enqueue("train", {})
    claimed(store, me)
    with sqlite3.connect(store.path) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO job_slots VALUES ('cpu:0', 2)")


def test_a_number_is_never_given_twice(store: Store) -> None:
    store.enqueue("train", {})
    with sqlite3.connect(store.path) as connection:
        connection.execute("DELETE FROM job_events")
        connection.execute("DELETE FROM jobs")
    assert store.enqueue("train", {}).id == 2
