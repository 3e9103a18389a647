"""Exit codes of commands that wait for a job."""

from jobs.models import JobState


def exit_code(state: JobState) -> int:
    """0 succeeded, 1 failed, 3 cancelled or paused."""
    return {JobState.SUCCEEDED: 0, JobState.FAILED: 1}.get(state, 3)
