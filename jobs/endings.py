"""How an attempt at a job can end, and what becomes of the job then: the queue's one rule book."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from jobs.durable import write_json
from jobs.models import Intent, Job, JobState
from jobs.progress import read_json

CRASHES_ALLOWED = 1
"""A task killed by a stray signal is tried again this often; the next time it has failed."""


class EndingKind(StrEnum):
    """What happened to the task process, or to the runner that watched it."""

    RETURNED = "returned"
    RAISED = "raised"
    STOPPED = "stopped"
    NEEDS_A_PERSON = "needs_a_person"
    KILLED = "killed"
    OWNER_LOST = "owner_lost"


@dataclass(frozen=True)
class Ending:
    """The end of one attempt. `code` and `words` explain a problem, `result` what was made."""

    kind: EndingKind
    result: dict[str, Any] | None = None
    code: str | None = None
    words: str | None = None


@dataclass(frozen=True)
class Next:
    """What becomes of a job whose attempt ended; the last two are added to the job's own counts."""

    state: JobState
    words: str
    error_code: str | None = None
    error: str | None = None
    more_crashes: int = 0
    more_owners_lost: int = 0


def what_next(job: Job, ending: Ending) -> Next:
    """The state that follows `ending`, by the job's intent and by what it went through before."""
    if job.intent == Intent.CANCEL:
        return Next(JobState.CANCELLED, "Cancelled.")
    if ending.kind == EndingKind.RETURNED:
        return Next(JobState.SUCCEEDED, "Done.")
    if ending.kind == EndingKind.RAISED:
        code, words = ending.code or "crash", ending.words or "The task ended without a word."
        return Next(JobState.FAILED, words, code, words)
    if ending.kind == EndingKind.NEEDS_A_PERSON:
        return Next(JobState.PAUSED, ending.words or "Paused.", ending.code, ending.words)
    if job.intent == Intent.PAUSE:
        return Next(JobState.PAUSED, "Paused.")
    if ending.kind == EndingKind.KILLED:
        return _after_a_kill(job, ending)
    if ending.kind == EndingKind.OWNER_LOST:
        return _after_a_lost_owner(job)
    return Next(JobState.QUEUED, "Handed back to the queue; it goes on from its last checkpoint.")


def _after_a_kill(job: Job, ending: Ending) -> Next:
    what = ending.words or "The system ended the task's process."
    if job.crashes < CRASHES_ALLOWED:
        words = f"{what} Back in the queue for another attempt."
        return Next(JobState.QUEUED, words, more_crashes=1)
    words = (
        f"{what} This happened before, so it is not tried again by itself. Most often the "
        "machine had run out of memory: close other programs or choose smaller settings, then "
        "try again."
    )
    return Next(JobState.FAILED, words, "killed", words, more_crashes=1)


def _after_a_lost_owner(job: Job) -> Next:
    lost = job.owners_lost + 1
    if lost < job.max_attempts:
        words = "Its runner was gone; back in the queue, it goes on from its last checkpoint."
        return Next(JobState.QUEUED, words, more_owners_lost=1)
    words = (
        f"Its runner was gone {lost} times, so it is not tried again by itself. "
        "See runner.log in the job's folder, then try again."
    )
    return Next(JobState.FAILED, words, "lost", words, more_owners_lost=1)


def ending_file(folder: Path, attempt: int) -> Path:
    """Where an attempt's ending is written, before the job's row tells of it."""
    return folder / f"result-{attempt}.json"


def write_ending(folder: Path, attempt: int, ending: Ending) -> None:
    """Put the ending on disk, flushed. Raises TypeError where the result is not JSON."""
    value = {
        "ending": ending.kind.value,
        "result": ending.result,
        "error_code": ending.code,
        "error": ending.words,
    }
    write_json(ending_file(folder, attempt), value)


def read_ending(folder: Path, attempt: int) -> Ending | None:
    """The ending that the attempt left on disk, if it left one."""
    value = read_json(ending_file(folder, attempt))
    if value is None:
        return None
    return Ending(EndingKind(value["ending"]), value["result"], value["error_code"], value["error"])
