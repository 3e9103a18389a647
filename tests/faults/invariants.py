"""What holds for every database of the queue, whatever was killed, and when."""

from __future__ import annotations

import sqlite3
from itertools import pairwise

from jobs.endings import EndingKind, read_ending
from jobs.models import ENDED, Event, Job, JobState
from jobs.queue import Queue

BY_A_PERSON = {"retried", "reordered"}


def check_all(queue: Queue) -> None:
    """Check every invariant over the whole database and its run folders."""
    check_file(str(queue.config.database))
    for job in queue.store.jobs():
        check_job(job)
        check_history(job, queue.store.events(job.id))
        if job.state == JobState.SUCCEEDED:
            ending = read_ending(queue.folder(job.id), job.attempt)
            assert ending is not None, f"job {job.id} succeeded without a result on disk"
            assert (ending.kind, ending.result) == (EndingKind.RETURNED, job.result)


def check_file(database: str) -> None:
    """The file itself is whole, and no slot is held by a job that does not run."""
    connection = sqlite3.connect(database, timeout=60)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        idle = "SELECT slot FROM job_slots JOIN jobs ON jobs.id = job_id WHERE lease_token IS NULL"
        assert connection.execute(idle).fetchall() == []
    finally:
        connection.close()


def check_job(job: Job) -> None:
    """Active, leased, owned and placed are one and the same."""
    assert job.state.is_active == (job.lease_token is not None)
    assert job.state.is_active == (job.runner_pid is not None)
    assert job.state.is_active == (len(job.slots) == job.slots_wanted)
    assert job.state.is_ended == (job.ended_at is not None)
    assert job.intent is None or job.state.is_active


def check_history(job: Job, events: list[Event]) -> None:
    """Each change has its event; attempts only grow; an ended job moves only when a person says."""
    assert events[0].kind == "enqueued"
    assert events[-1].state == job.state
    assert sum(event.kind == "claimed" for event in events) == job.attempt
    for before, after in pairwise(events):
        grown = after.attempt - before.attempt
        assert grown == (1 if after.kind == "claimed" else 0)
        assert before.state not in ENDED or after.kind in BY_A_PERSON
