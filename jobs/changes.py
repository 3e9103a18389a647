"""A change of a job's row and the event that tells of it, in the transaction of the verb that asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from jobs import tables
from jobs.models import Job, JobState
from jobs.order import last_position
from jobs.rows import RUN_ORDER, all_of, as_job

# Built once, their values given at each call: building a statement costs more than running it.
_INSERT_EVENT = insert(tables.job_events)
_UPDATE_JOB = (
    update(tables.jobs).where(tables.jobs.c.id == bindparam("job_id")).returning(tables.jobs)
)


class Changes:
    """What is written of a job when it changes, and of those that hang on it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def retry(self, connection: Connection, job: Job) -> Job:
        """To the end of the queue again, and with it those that it took along."""
        job = self.change(
            connection,
            job,
            "retried",
            "Put in the queue again.",
            state=JobState.QUEUED,
            position=last_position(connection) + 1.0,
            owners_lost=0,
            error_code=None,
            error=None,
            ended_at=None,
        )
        taken_along = select(tables.jobs).where(
            tables.jobs.c.after == job.id, tables.jobs.c.error_code == "prerequisite"
        )
        for follower in all_of(connection, taken_along.order_by(*RUN_ORDER)):
            self.retry(connection, follower)
        return job

    def fail_those_after(self, connection: Connection, first: Job) -> None:
        """A job that did not succeed takes along, as failed, those that had to come after it."""
        happened = "was cancelled" if first.state == JobState.CANCELLED else "failed"
        words = (
            f"Job {first.id} ({first.name}), which has to come first, {happened}. "
            "Try that one again; this one then follows by itself."
        )
        waiting = (JobState.QUEUED.value, JobState.PAUSED.value)
        query = select(tables.jobs).where(
            tables.jobs.c.after == first.id, tables.jobs.c.state.in_(waiting)
        )
        for job in all_of(connection, query):
            failed = self.change(
                connection,
                job,
                "failed",
                words,
                state=JobState.FAILED,
                error_code="prerequisite",
                error=words,
                ended_at=self._clock(),
                waiting_for=None,
            )
            self.fail_those_after(connection, failed)

    def change(self, connection: Connection, job: Job, kind: str, words: str, **values: Any) -> Job:
        """Write values into the job's row, and what happened."""
        row = connection.execute(_UPDATE_JOB, {"job_id": job.id, **values}).one()
        return self.tell(connection, as_job(row, job.slots), kind, words)

    def tell(self, connection: Connection, job: Job, kind: str, words: str) -> Job:
        """Write down what happened to a job whose row was written already."""
        happened = {
            "job_id": job.id,
            "at": self._clock(),
            "kind": kind,
            "state": job.state.value,
            "attempt": job.attempt,
            "words": words,
        }
        connection.execute(_INSERT_EVENT, happened)
        return job
