"""What the queue is made of: a job and its states, an event, a device's slot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job stands; `sentence` says it in plain words."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def sentence(self) -> str:
        """The state as a page shows it."""
        return _SENTENCES[self]

    @property
    def is_active(self) -> bool:
        """Whether a runner owns the job: it has a lease and holds its slots."""
        return self in ACTIVE

    @property
    def is_ended(self) -> bool:
        """Whether only a person can set the job going again."""
        return self in ENDED


_SENTENCES = {
    JobState.QUEUED: "Waiting",
    JobState.STARTING: "Starting",
    JobState.RUNNING: "Running",
    JobState.PAUSED: "Paused",
    JobState.SUCCEEDED: "Done",
    JobState.FAILED: "Stopped with a problem",
    JobState.CANCELLED: "Cancelled",
}
ACTIVE = frozenset({JobState.STARTING, JobState.RUNNING})
ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class Intent(StrEnum):
    """What a person wants of an active job; its runner sees to it."""

    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Job:
    """One row of the queue as it was when it was read. Times are seconds since 1970."""

    id: int
    name: str
    task: str
    spec: dict[str, Any]
    spec_version: int
    state: JobState
    priority: int
    position: float
    slot_kind: str
    slots_wanted: int
    slots: tuple[str, ...]
    needs_bytes: int | None
    after: int | None
    waiting_for: str | None
    attempt: int
    max_attempts: int
    owners_lost: int
    crashes: int
    intent: Intent | None
    run_after: float
    lease_token: str | None
    lease_expires: float | None
    runner_pid: int | None
    runner_start: float | None
    boot_id: str | None
    error_code: str | None
    error: str | None
    result: dict[str, Any] | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    # `22:00-06:00`: only within these hours of the day; None at any time.
    hours: str | None


@dataclass(frozen=True)
class Event:
    """One line of a job's history, written in the same transaction as the change it tells of."""

    id: int
    job_id: int
    at: float
    kind: str
    state: JobState
    attempt: int
    words: str


@dataclass(frozen=True)
class DeviceSlot:
    """A place where one job at a time can run: `cuda:0`, `cpu:0`, `io:1`.

    `free_bytes` is the memory free there now, `total_bytes` what the device has, None where it is not
    known; `words` name the device, `held_by` the programs that hold most of its memory now.
    """

    name: str
    kind: str
    free_bytes: int | None = None
    words: str = ""
    total_bytes: int | None = None
    held_by: str = ""
