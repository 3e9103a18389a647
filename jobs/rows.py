"""Rows of the queue's tables become the values that travel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, text

from jobs import tables
from jobs.errors import NoSuchJob
from jobs.models import Event, Intent, Job, JobState
from jobs.placement import Waiting
from jobs.processes.identity import Identity

RUN_ORDER = (tables.jobs.c.priority.desc(), tables.jobs.c.position, tables.jobs.c.id)

_jobs, _slots = tables.jobs, tables.job_slots
# Statements that every verb runs are built once: building one costs more than running it.
_BY_ID = select(_jobs).where(_jobs.c.id == bindparam("job_id"))
_ALL_SLOTS = select(_slots.c.slot)
_SLOTS_BY_JOB = _ALL_SLOTS.where(_slots.c.job_id == bindparam("job_id")).order_by(_slots.c.slot)
# The index holds just these rows in just this order; left to itself, SQLite sorts all that wait for
# each claim. It is named in SQLite's own words, for which SQLAlchemy has none.
_WAITING = text(
    "SELECT "
    + ", ".join(f"jobs.{field}" for field in Waiting.__dataclass_fields__ if field in _jobs.c)
    + ", first.id AS first_id, first.name AS first_name, first.state AS first_state "
    "FROM jobs INDEXED BY ix_jobs_run_order LEFT JOIN jobs AS first ON jobs.after = first.id "
    "WHERE jobs.state = 'queued' ORDER BY jobs.priority DESC, jobs.position, jobs.id"
)


def get(connection: Connection, job_id: int) -> Job:
    """The job with this number. Raises NoSuchJob."""
    row = connection.execute(_BY_ID, {"job_id": job_id}).one_or_none()
    if row is None:
        raise NoSuchJob(job_id)
    # Only a job that has a lease has slots.
    return as_job(row, slots_of(connection, job_id) if row.lease_token is not None else ())


def all_of(connection: Connection, query: Select[Any]) -> list[Job]:
    """The jobs that `query` selects, each with its slots."""
    slots: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(select(_slots).order_by(_slots.c.slot)):
        slots[row.job_id] = (*slots.get(row.job_id, ()), row.slot)
    return [as_job(row, slots.get(row.id, ())) for row in connection.execute(query).all()]


def slots_of(connection: Connection, job_id: int) -> tuple[str, ...]:
    """The slots that a job holds now."""
    return tuple(connection.scalars(_SLOTS_BY_JOB, {"job_id": job_id}))


def busy_slots(connection: Connection) -> set[str]:
    """The slots that any job holds now."""
    return set(connection.scalars(_ALL_SLOTS))


def as_job(row: Row[Any], slots: tuple[str, ...] = ()) -> Job:
    """A row of `jobs` with the slots that lie in a table of their own."""
    values = dict(row._mapping)
    values["state"] = JobState(values["state"])
    values["intent"] = Intent(values["intent"]) if values["intent"] else None
    return Job(**values, slots=slots)


def as_event(row: Row[Any]) -> Event:
    """A row of `job_events`."""
    values = dict(row._mapping)
    return Event(**{**values, "state": JobState(values["state"])})


def waiting_in_order(connection: Connection) -> Iterator[Waiting]:
    """Waiting jobs as they are to run, read one by one: most often the first is taken."""
    for row in connection.execute(_WAITING):
        yield Waiting(**row._mapping)


def owner_values(owner: Identity) -> dict[str, Any]:
    """The columns that say which process owns a job."""
    return {"runner_pid": owner.pid, "runner_start": owner.start, "boot_id": owner.boot_id}
