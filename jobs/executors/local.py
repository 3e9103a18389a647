"""Runs a task in a process of this machine, below the runner."""

from __future__ import annotations

import os
import subprocess
from subprocess import Popen

from jobs import processes
from jobs.config import QueueConfig
from jobs.models import Job
from jobs.processes import platform
from jobs.programs import command, environment
from jobs.progress import LOG


class LocalExecutor:
    """The task's process and all that it starts; its output goes to the run's `log.txt`."""

    def __init__(self, config: QueueConfig) -> None:
        self._config = config
        self._job: Job | None = None
        self._process: Popen[bytes] | None = None

    def start(self, job: Job) -> None:
        """Start the task's process. Raises OSError where the system cannot."""
        folder = self._config.folder(job.id)
        self._job = job
        self._process = platform.start_child(
            self._command(job), self._environment(job), folder / LOG, folder
        )

    def wait(self, timeout_s: float) -> int | None:
        """The return code once the task's process has ended."""
        assert self._process is not None
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_stop(self) -> None:
        """Ask the task's process; what it started is its own to stop."""
        assert self._process is not None
        assert self._job is not None
        if self._process.poll() is None:
            platform.ask_to_stop(self._process.pid, self._config.folder(self._job.id))

    def kill(self) -> int | None:
        """End everything below this runner, then whatever carries the job's mark elsewhere."""
        if self._process is None or self._job is None:
            return None
        below = processes.descendants(os.getpid())
        # Its own parent must wait for it here: anyone else's waiting would take its return code.
        self._process.kill()
        code = self._process.wait()
        processes.kill_all(below)
        processes.kill_below(os.getpid())
        processes.kill_all(processes.marked(self._job.id, str(self._config.database)))
        return code

    def _command(self, job: Job) -> list[str]:
        numbers = {"job": job.id, "attempt": job.attempt, "crashes": job.crashes}
        return command(
            "jobs.task_process",
            f"--folder={self._config.folder(job.id)}",
            f"--tasks={self._config.tasks}",
            f"--task={job.task}",
            f"--parent={os.getpid()}",
            *(f"--{name}={number}" for name, number in numbers.items()),
            *(f"--slot={slot}" for slot in job.slots),
        )

    def _environment(self, job: Job) -> dict[str, str]:
        return {
            **environment(),
            processes.JOB_VARIABLE: str(job.id),
            processes.DATABASE_VARIABLE: str(self._config.database),
            # A crash in a library's own code leaves its traceback in the log.
            "PYTHONFAULTHANDLER": "1",
            "PYTHONUTF8": "1",
        }
