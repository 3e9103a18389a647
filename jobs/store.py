"""The queue's rows: every verb on a job, each one transaction with its event."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from jobs import refusals, tables
from jobs.changes import Changes
from jobs.database import Database
from jobs.endings import Ending, what_next
from jobs.errors import BadJob, LeaseLost, WrongState
from jobs.hours import Hours
from jobs.models import ACTIVE, DeviceSlot, Event, Intent, Job, JobState
from jobs.moments import written
from jobs.order import between, last_position
from jobs.placement import Placement, place
from jobs.processes.identity import Identity
from jobs.rows import (
    RUN_ORDER,
    all_of,
    as_event,
    as_job,
    busy_slots,
    get,
    owner_values,
    waiting_in_order,
)
from jobs.schema import Schema, bring_up_to_date

SCHEMA = Schema(
    folder=Path(__file__).with_name("migrations"),
    newest=tables.SCHEMA,
    version_table=tables.VERSION_TABLE,
)
LEASE_S = 60.0

_jobs, _slots, _events = tables.jobs, tables.job_slots, tables.job_events
# What runs comes first, then what will run, in that order, then what was put aside, then the past.
_SHOWN_FIRST = case(
    (_jobs.c.state.in_([state.value for state in ACTIVE]), 0),
    (_jobs.c.state == JobState.QUEUED.value, 1),
    (_jobs.c.state == JobState.PAUSED.value, 2),
    else_=3,
)
# Built once, their values given at each call: building a statement costs more than running it.
_INSERT_JOB = insert(_jobs).returning(_jobs)
_INSERT_SLOTS = insert(_slots)
_UPDATE_WAITING = (
    update(_jobs)
    .where(_jobs.c.id == bindparam("job_id"), _jobs.c.state == JobState.QUEUED.value)
    .values(attempt=_jobs.c.attempt + 1)
    .returning(_jobs)
)
_FREE_SLOTS = delete(_slots).where(_slots.c.job_id == bindparam("job_id"))
_NO_OWNER: dict[str, Any] = {
    "lease_token": None,
    "lease_expires": None,
    "runner_pid": None,
    "runner_start": None,
    "boot_id": None,
    "intent": None,
    "waiting_for": None,
}


class Store:
    """The jobs of one database. Owners wait long for a locked file; a page takes `patience_s=1`.

    Every method may raise StoreBusy or another StoreError; those that name a job, NoSuchJob.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.time, patience_s: float = 90.0
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._clock = clock
        self._changes = Changes(clock)
        self._database = Database(path, patience_s=patience_s)
        bring_up_to_date(self._database, SCHEMA)

    def close(self) -> None:
        """Close the file; the next verb opens it again."""
        self._database.close()

    # What anybody may ask.

    def job(self, job_id: int) -> Job:
        """The job as it is now."""
        with self._database.reading() as connection:
            return get(connection, job_id)

    def jobs(
        self,
        *,
        states: Collection[JobState] | None = None,
        task: str | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Jobs in the order a page shows them: running, waiting (as they will run), paused, past.

        The past comes newest first.
        """
        query = select(_jobs).order_by(
            _SHOWN_FIRST,
            case((_SHOWN_FIRST == 3, -func.coalesce(_jobs.c.ended_at, 0.0)), else_=0.0),
            *RUN_ORDER,
        )
        if states is not None:
            query = query.where(_jobs.c.state.in_([state.value for state in states]))
        if task is not None:
            query = query.where(_jobs.c.task == task)
        with self._database.reading() as connection:
            return all_of(connection, query.limit(limit) if limit is not None else query)

    def events(self, job_id: int) -> list[Event]:
        """The job's history, oldest first."""
        query = select(_events).where(_events.c.job_id == job_id).order_by(_events.c.id)
        with self._database.reading() as connection:
            get(connection, job_id)
            return [as_event(row) for row in connection.execute(query)]

    def has_work(self) -> bool:
        """Whether any job waits or runs: whether a dispatcher is needed."""
        return self._any(JobState.QUEUED, *ACTIVE)

    def has_queued(self) -> bool:
        """Whether any job waits to be claimed."""
        return self._any(JobState.QUEUED)

    def _any(self, *states: JobState) -> bool:
        query = select(exists().where(_jobs.c.state.in_([state.value for state in states])))
        with self._database.reading() as connection:
            return bool(connection.scalar(query))

    # What a person does.

    def enqueue(
        self,
        task: str,
        spec: dict[str, Any],
        *,
        name: str = "",
        slot_kind: str = "cpu",
        slots_wanted: int = 1,
        priority: int = 0,
        needs_bytes: int | None = None,
        after: int | None = None,
        max_attempts: int = 3,
        run_after: float = 0.0,
        hours: str | None = None,
        spec_version: int = 1,
    ) -> Job:
        """Put a job at the end of the queue. It runs once job `after`, where given, has succeeded.

        Raises BadJob, and WrongState where job `after` has failed already.
        """
        _check_json(spec)
        if slots_wanted < 1 or max_attempts < 1:
            raise BadJob("A job needs at least one slot and at least one attempt.")
        values = {
            "name": name or task,
            "task": task,
            "spec": spec,
            "spec_version": spec_version,
            "state": JobState.QUEUED.value,
            "priority": priority,
            "slot_kind": slot_kind,
            "slots_wanted": slots_wanted,
            "needs_bytes": needs_bytes,
            "after": after,
            "max_attempts": max_attempts,
            "run_after": run_after,
            "hours": str(Hours.parse(hours)) if hours else None,
            "created_at": self._clock(),
            **dict.fromkeys(("attempt", "owners_lost", "crashes"), 0),
        }
        with self._database.writing() as connection:
            if after is not None:
                refusals.refuse_a_failed_first(get(connection, after))
            values["position"] = last_position(connection) + 1.0
            row = connection.execute(_INSERT_JOB, values).one()
            return self._changes.tell(connection, as_job(row), "enqueued", "Put in the queue.")

    def cancel(self, job_id: int) -> Job:
        """Cancel a waiting or paused job at once; ask the runner of an active one to do so."""
        with self._database.writing() as connection:
            job = get(connection, job_id)
            if job.state.is_ended:
                raise WrongState(refusals.ended(job, "cancel"))
            if job.state.is_active:
                return self._ask(connection, job, Intent.CANCEL, "Asked to cancel.")
            job = self._changes.change(
                connection,
                job,
                "cancelled",
                "Cancelled.",
                state=JobState.CANCELLED,
                ended_at=self._clock(),
                waiting_for=None,
                error_code=None,
                error=None,
            )
            self._changes.fail_those_after(connection, job)
            return job

    def pause(self, job_id: int) -> Job:
        """Put a waiting job aside; ask the runner of an active one to save and stop."""
        with self._database.writing() as connection:
            job = get(connection, job_id)
            if job.intent == Intent.CANCEL:
                raise WrongState(f"Job {job_id} is being cancelled; it cannot be paused.")
            if job.state.is_active:
                return self._ask(connection, job, Intent.PAUSE, "Asked to pause.")
            if job.state != JobState.QUEUED:
                raise WrongState(refusals.ended(job, "pause"))
            return self._changes.change(
                connection, job, "paused", "Paused.", state=JobState.PAUSED, waiting_for=None
            )

    def resume(self, job_id: int) -> Job:
        """Put a paused job back into the queue, at its old place."""
        with self._database.writing() as connection:
            job = get(connection, job_id)
            if job.intent == Intent.PAUSE:
                words = "Asked to go on after all."
                return self._changes.change(connection, job, "resume asked", words, intent=None)
            if job.state != JobState.PAUSED:
                raise WrongState(refusals.not_paused(job))
            return self._changes.change(
                connection,
                job,
                "resumed",
                "Resumed.",
                state=JobState.QUEUED,
                owners_lost=0,
                error_code=None,
                error=None,
            )

    def retry(self, job_id: int) -> Job:
        """Put a failed or cancelled job at the end of the queue again, and those it took along."""
        with self._database.writing() as connection:
            job = get(connection, job_id)
            if job.state not in (JobState.FAILED, JobState.CANCELLED):
                raise WrongState(refusals.not_failed(job))
            if job.after is not None:
                refusals.refuse_a_failed_first(get(connection, job.after))
            return self._changes.retry(connection, job)

    def schedule(self, job_id: int, *, run_after: float = 0.0, hours: str | None = None) -> Job:
        """Say when a job may run: not before a moment, only within hours of the day (`22:00-06:00`).

        A running one goes on for now; outside its hours its runner has it save and wait.
        """
        wanted = str(Hours.parse(hours)) if hours else None
        with self._database.writing() as connection:
            job = get(connection, job_id)
            if job.state.is_ended:
                raise WrongState(refusals.ended(job, "schedule"))
            words = f"Set to run within {wanted} only." if wanted else "Set to run at any time."
            if run_after > self._clock():
                words += f" Not before {written(run_after)}."
            return self._changes.change(
                connection,
                job,
                "scheduled",
                words,
                run_after=run_after,
                hours=wanted,
                waiting_for=None,
            )

    def reorder(self, job_id: int, *, before: int | None = None, after: int | None = None) -> Job:
        """Move a waiting job just before, or just after, another waiting one.

        It takes the other's priority, so that what is shown is what runs.
        """
        if (before is None) == (after is None):
            raise BadJob("Say either before or after which job it is to run.")
        beside = before if before is not None else after
        assert beside is not None
        with self._database.writing() as connection:
            job, other = get(connection, job_id), get(connection, beside)
            for one in (job, other):
                if one.state != JobState.QUEUED:
                    raise WrongState(
                        f"Job {one.id} is not waiting ({one.state.sentence}); only waiting jobs "
                        "have an order."
                    )
            if job.id == other.id:
                return job
            position = between(connection, job, other, ahead=before is not None)
            words = f"Moved to run {'before' if before is not None else 'after'} job {beside}."
            return self._changes.change(
                connection,
                job,
                "reordered",
                words,
                priority=other.priority,
                position=position,
            )

    # What a dispatcher and the owner of a job do.

    def claim(
        self,
        devices: Sequence[DeviceSlot],
        owner: Identity,
        *,
        lease_s: float = LEASE_S,
        tell: bool = True,
    ) -> Job | None:
        """Take the first waiting job that can run on a free slot of `devices`; None if none can.

        The job is then `starting` and owned by `owner` under a new lease token. With `tell`, what
        the jobs before it wait for is noted in their rows: free memory changes all the time, so a
        caller that looks often tells now and then only.
        """
        # Looked at without the write lock first: most of the time there is nothing to do.
        with self._database.reading() as connection:
            placement = self._place(connection, devices)
            if placement.job_id is None and not (tell and placement.words):
                return None
        with self._database.writing() as connection:
            placement = self._place(connection, devices)
            for job_id, words in placement.words.items():
                connection.execute(
                    update(_jobs).where(_jobs.c.id == job_id).values(waiting_for=words)
                )
            if placement.job_id is None:
                return None
            return self._take(connection, placement, owner, lease_s)

    def start(self, job_id: int, token: str, runner: Identity, *, lease_s: float = LEASE_S) -> Job:
        """Hand a claimed job from the dispatcher to its runner, under a new token of its own.

        A dispatcher that saw the job unowned just before then holds a stale one. Raises LeaseLost.
        """
        with self._owned(job_id, token) as (connection, job):
            return self._changes.change(
                connection,
                job,
                "started",
                "A runner took it.",
                lease_token=uuid.uuid4().hex,
                lease_expires=self._clock() + lease_s,
                **owner_values(runner),
            )

    def running(self, job_id: int, token: str) -> Job:
        """Note that the task's process has begun. Raises LeaseLost."""
        with self._owned(job_id, token) as (connection, job):
            now = self._clock()
            return self._changes.change(
                connection,
                job,
                "running",
                f"Attempt {job.attempt} runs on {', '.join(job.slots)}.",
                state=JobState.RUNNING,
                started_at=job.started_at or now,
            )

    def beat(self, job_id: int, token: str, *, lease_s: float = LEASE_S) -> None:
        """Renew the lease. Raises LeaseLost."""
        with self._database.writing() as connection:
            renewed = connection.execute(
                update(_jobs)
                .where(_jobs.c.id == job_id, _jobs.c.lease_token == token)
                .values(lease_expires=self._clock() + lease_s)
            )
            if renewed.rowcount != 1:
                raise LeaseLost(job_id)

    def wish(self, job_id: int, token: str) -> tuple[Intent | None, str | None]:
        """What a person wants of the job its owner holds, and its hours; read only. Raises LeaseLost."""
        query = select(_jobs.c.intent, _jobs.c.hours).where(
            _jobs.c.id == job_id, _jobs.c.lease_token == token
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise LeaseLost(job_id)
        return (Intent(row.intent) if row.intent else None), row.hours

    def settle(self, job_id: int, token: str, ending: Ending) -> Job:
        """Write down how the attempt ended, give its slots back. Raises LeaseLost."""
        with self._owned(job_id, token) as (connection, job):
            following = what_next(job, ending)
            state = following.state
            connection.execute(_FREE_SLOTS, {"job_id": job_id})
            job = self._changes.change(
                connection,
                replace(job, slots=()),
                state.value if state != JobState.QUEUED else "handed back",
                following.words,
                state=state,
                error_code=following.error_code,
                error=following.error,
                crashes=job.crashes + following.more_crashes,
                owners_lost=job.owners_lost + following.more_owners_lost,
                result=ending.result if state == JobState.SUCCEEDED else job.result,
                ended_at=self._clock() if state.is_ended else None,
                **_NO_OWNER,
            )
            if state in (JobState.FAILED, JobState.CANCELLED):
                self._changes.fail_those_after(connection, job)
            return job

    # Below: parts of the verbs, each within the caller's transaction.

    @contextmanager
    def _owned(self, job_id: int, token: str) -> Iterator[tuple[Connection, Job]]:
        """A write transaction by the job's owner; a stale token changes nothing."""
        with self._database.writing() as connection:
            job = get(connection, job_id)
            if job.lease_token != token:
                raise LeaseLost(job_id)
            yield connection, job

    def _place(self, connection: Connection, devices: Sequence[DeviceSlot]) -> Placement:
        waiting = waiting_in_order(connection)
        return place(waiting, devices, busy_slots(connection), self._clock())

    def _take(
        self, connection: Connection, placement: Placement, owner: Identity, lease_s: float
    ) -> Job:
        values = {
            "state": JobState.STARTING.value,
            "lease_token": uuid.uuid4().hex,
            "lease_expires": self._clock() + lease_s,
            "waiting_for": None,
            **owner_values(owner),
        }
        row = connection.execute(_UPDATE_WAITING, {"job_id": placement.job_id, **values}).one()
        connection.execute(
            _INSERT_SLOTS, [{"slot": slot, "job_id": row.id} for slot in placement.slots]
        )
        job = as_job(row, placement.slots)
        return self._changes.tell(
            connection, job, "claimed", f"Claimed for {', '.join(job.slots)}."
        )

    def _ask(self, connection: Connection, job: Job, intent: Intent, words: str) -> Job:
        if job.intent == intent:
            return job
        return self._changes.change(connection, job, f"{intent} asked", words, intent=intent)


def _check_json(spec: dict[str, Any]) -> None:
    try:
        json.dumps(spec)
    except (TypeError, ValueError) as error:
        raise BadJob(f"The spec of a job must be JSON: {error}.") from error
