"""What a runner asks of the place where a task runs."""

from __future__ import annotations

from typing import Protocol

from jobs.models import Job


class Executor(Protocol):
    """One attempt at one job, wherever it runs."""

    def start(self, job: Job) -> None:
        """Begin the attempt."""

    def wait(self, timeout_s: float) -> int | None:
        """The return code once the task's process has ended; None after `timeout_s` without."""

    def ask_to_stop(self) -> None:
        """Ask the task to save and stop."""

    def kill(self) -> int | None:
        """End the task's process and every process below it; the return code of the former."""
