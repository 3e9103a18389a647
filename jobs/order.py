"""The order of waiting jobs: a position is a number, and between two there is always room."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, select, update

from jobs import tables
from jobs.models import ENDED, Job
from jobs.rows import get

_jobs = tables.jobs


def last_position(connection: Connection) -> float:
    """The position of the last job there ever was; 0 before the first."""
    return connection.scalar(select(func.max(_jobs.c.position))) or 0.0


def between(connection: Connection, job: Job, other: Job, *, ahead: bool) -> float:
    """A position beside `other`, between it and its neighbour on that side."""
    position = _gap(connection, job, other, ahead=ahead)
    if position is None:
        # Halving the same gap some fifty times uses up a float: spread all positions out again.
        _spread_out(connection)
        position = _gap(connection, job, get(connection, other.id), ahead=ahead)
    assert position is not None
    return position


def _gap(connection: Connection, job: Job, other: Job, *, ahead: bool) -> float | None:
    there = _jobs.c.position
    beyond: ColumnElement[bool] = there < other.position if ahead else there > other.position
    nearest = func.max(there) if ahead else func.min(there)
    # Also jobs that may come back to the queue at their old place: paused ones, running ones.
    places = select(nearest).where(
        beyond,
        _jobs.c.priority == other.priority,
        _jobs.c.state.not_in([state.value for state in ENDED]),
        _jobs.c.id != job.id,
    )
    neighbour = connection.scalar(places)
    if neighbour is None:
        return other.position - 1.0 if ahead else other.position + 1.0
    middle = float(neighbour + other.position) / 2.0
    return middle if middle not in (neighbour, other.position) else None


def _spread_out(connection: Connection) -> None:
    ids = connection.scalars(select(_jobs.c.id).order_by(_jobs.c.position, _jobs.c.id)).all()
    for position, job_id in enumerate(ids, start=1):
        connection.execute(
            update(_jobs).where(_jobs.c.id == job_id).values(position=float(position))
        )
