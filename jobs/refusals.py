"""What a verb of the queue says where a job's state does not allow it."""

from __future__ import annotations

from jobs.errors import WrongState
from jobs.models import Job, JobState


def refuse_a_failed_first(first: Job) -> None:
    """Raises WrongState where the job that has to come first did not succeed."""
    if first.state in (JobState.FAILED, JobState.CANCELLED):
        raise WrongState(
            f"Job {first.id} ({first.name}), which has to come first, did not succeed "
            f"({first.state.sentence}). Try that one again first."
        )


def ended(job: Job, verb: str) -> str:
    """Why a verb cannot be done to a job in this state."""
    return f"Job {job.id} cannot be {verb}{'led' if verb == 'cancel' else 'd'}: {_is(job)}."


def not_paused(job: Job) -> str:
    """Why a job that is not paused cannot be resumed."""
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        return f"Job {job.id} is not paused: {_is(job)}. To run it once more, try it again."
    return f"Job {job.id} is not paused: {_is(job)}."


def not_failed(job: Job) -> str:
    """Why a job that did not fail cannot be tried again."""
    if job.state == JobState.PAUSED:
        return f"Job {job.id} is paused: resume it."
    return f"Job {job.id} cannot be tried again: {_is(job)}."


def _is(job: Job) -> str:
    return f"its state is '{job.state.sentence}'"
