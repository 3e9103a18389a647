"""What a rank is handed: its task as the others have it, and a voice only where it is the first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs import durable
from jobs.context import TaskContext
from jobs.progress import read_json

FOLDER = "ranks"
PARENT_VARIABLE = "STUDIO_TORCHRUN_PID"
"""Names the process that started the ranks: each dies with it."""


@dataclass(frozen=True)
class Meeting:
    """What the task's process leaves for its ranks, in a folder of the run."""

    job_id: int
    spec: dict[str, Any]
    run_folder: str
    attempt: int
    crashes: int
    slots: tuple[str, ...]
    count: int

    @classmethod
    def of(cls, context: TaskContext, count: int, crashes: int) -> Meeting:
        """For `count` ranks of the task; `crashes` as the fit of a step counts them."""
        return cls(
            context.job_id,
            context.spec,
            str(context.folder),
            context.attempt,
            crashes,
            context.slots,
            count,
        )

    def write(self, folder: Path) -> None:
        """Leave it in `folder`."""
        durable.write_json(folder / "task.json", asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Meeting:
        """What was left there."""
        document = read_json(folder / "task.json") or {}
        return cls(**{**document, "slots": tuple(document.get("slots", ()))})


class RankContext(TaskContext):
    """A rank's view of the task: it stops when the task's process says so; only the first one speaks."""

    def __init__(self, meeting: Meeting, folder: Path, rank: int) -> None:
        # A GPU each; on the processor all share the one place.
        slots = meeting.slots[rank : rank + 1] or meeting.slots[-1:]
        super().__init__(
            meeting.job_id,
            meeting.spec,
            Path(meeting.run_folder),
            meeting.attempt,
            meeting.crashes,
            slots,
        )
        self.meeting_folder = folder
        self.rank = rank

    @property
    def stop_requested(self) -> bool:
        """Whether the task's process was asked to stop."""
        return stop_file(self.meeting_folder).exists()

    def log(self, words: str) -> None:
        """A line in the job's log, once."""
        if self.rank == 0:
            super().log(words)

    def report(self, step: int, total_steps: int, **metrics: Any) -> None:
        """One line of metrics, once."""
        if self.rank == 0:
            super().report(step, total_steps, **metrics)


def stop_file(folder: Path) -> Path:
    """Its being there asks all ranks to save and stop."""
    return folder / "stop"


def ending_folder(folder: Path, rank: int) -> Path:
    """Where a rank leaves how it ended."""
    return folder / str(rank)


def failures_file(folder: Path) -> Path:
    """Where torchrun leaves which ranks failed, and by which signal or exit code."""
    return folder / "failures.json"
