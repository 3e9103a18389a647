"""What a task is handed: its spec, its folder, and the ways to report, log and stop."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from jobs.progress import METRICS


class Stopped(Exception):
    """Raised by a task that was asked to stop and has saved what it needs to go on."""


class NeedsAPerson(Exception):
    """Raised by a task that has saved its place and cannot go on until a person saw to something.

    The job is then paused: `words` say what to do before it is resumed, `code` is for a program.
    """

    def __init__(self, words: str, *, code: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class ProcessKilled(Exception):
    """Raised by a task when a process it had started was killed by a signal not its own.

    The job is then treated as if the task's own process had been killed: tried once more.
    """


class TaskError(Exception):
    """A failure that the task can explain: `words` for a person, `code` for a program."""

    def __init__(self, words: str, *, code: str = "failed") -> None:
        super().__init__(words)
        self.code = code
        self.words = words


@dataclass
class TaskContext:
    """One attempt at a job, from within the task's process.

    `crashes` is how often this job's process was killed by a stray signal before, which mostly
    means that memory ran out. `slots` are the places that the job holds, such as `cuda:0`.
    """

    job_id: int
    spec: dict[str, Any]
    folder: Path
    attempt: int = 1
    crashes: int = 0
    slots: tuple[str, ...] = ()
    _stop: bool = field(default=False, init=False)
    _metrics: IO[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def stop_requested(self) -> bool:
        """Whether the task was asked to stop: save a checkpoint, then raise Stopped."""
        return self._stop

    def request_stop(self) -> None:
        """Called when the process is asked to stop."""
        self._stop = True

    def log(self, words: str) -> None:
        """A line in the job's log; dropped where the disk is full."""
        with suppress(OSError):
            print(words, flush=True)

    def report(self, step: int, total_steps: int, **metrics: float | int | str | None) -> None:
        """Append one line to `metrics.jsonl`. A number that is not finite is written as null.

        A full disk stops no training for the sake of a line: it is written once there is room.
        """
        line = {"time": round(time.time(), 3), "step": step, "total_steps": total_steps}
        finite = {name: _finite(value) for name, value in metrics.items()}
        with suppress(OSError):
            file = self._opened()
            file.write(json.dumps({**line, **finite}).encode("utf-8") + b"\n")
            file.flush()

    def _opened(self) -> IO[bytes]:
        if self._metrics is None:
            # Open for the task's life: a line must cost no more than a write.
            self._metrics = open(self.folder / METRICS, "a+b")  # noqa: SIM115
            if _is_torn(self._metrics):
                self._metrics.write(b"\n")
        return self._metrics


Task = Callable[[TaskContext], dict[str, Any] | None]
"""A task returns the job's result as JSON, or None."""


def _finite(value: float | int | str | None) -> float | int | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_torn(file: IO[bytes]) -> bool:
    """Whether a killed attempt left the file without its last line's end."""
    if file.seek(0, 2) == 0:
        return False
    file.seek(-1, 2)
    return file.read(1) != b"\n"
