"""The one handle that callers hold: enqueue a job, find its folder, wait for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
from filelock import FileLock, Timeout

from jobs import processes
from jobs.config import QueueConfig, Timing
from jobs.models import Job, JobState
from jobs.processes import platform
from jobs.processes.identity import Identity
from jobs.programs import command, environment
from jobs.progress import read_json, read_log
from jobs.store import Store

__all__ = ["Queue", "QueueConfig", "Timing"]

_STOP_PATIENCE_S = 15.0
_LOG_BYTES = 1_000_000


class Queue:
    """A queue on this machine. `store` has every verb; enqueueing also brings up a dispatcher."""

    def __init__(self, config: QueueConfig, *, patience_s: float = 90.0) -> None:
        self.config = config
        self.store = Store(config.database, patience_s=patience_s)
        self._started: Popen[bytes] | None = None

    def enqueue(self, task: str, spec: dict[str, Any], **options: Any) -> Job:
        """`Store.enqueue`, then see to it that somebody runs the job."""
        job = self.store.enqueue(task, spec, **options)
        self.ensure_dispatcher()
        return job

    def folder(self, job_id: int) -> Path:
        """The job's run folder; it appears when the job first runs."""
        return self.config.folder(job_id)

    def tend(self) -> None:
        """Bring up a dispatcher where jobs wait or run and none lives: for a start, for a tick."""
        if self.store.has_work():
            self.ensure_dispatcher()

    def ensure_dispatcher(self) -> None:
        """Start a dispatcher unless one lives. Within a task nothing is started: it would end
        together with the task, and whoever runs the task has a dispatcher."""
        if processes.JOB_VARIABLE in os.environ or self._has_dispatcher():
            return
        log = self.config.dispatcher_log
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.unlink()
        self._started = platform.start_detached(
            command("jobs.dispatcher", f"--config={self.config.to_text()}"),
            environment(),
            log,
            self.config.database.parent,
        )

    def wait(
        self,
        job_id: int,
        *,
        on_text: Callable[[str], None] | None = None,
        poll_s: float = 0.5,
    ) -> Job:
        """Wait until the job has ended or is paused; `on_text` is given the log as it grows."""
        offset = 0
        while True:
            job = self.store.job(job_id)
            # The row is read before the log: what was logged before the end is then all there.
            offset = self._pass_on(job_id, offset, on_text)
            if job.state.is_ended or job.state == JobState.PAUSED:
                return job
            self.ensure_dispatcher()
            time.sleep(poll_s)

    def stop_dispatcher(self) -> None:
        """End the dispatcher, if one lives, and wait until it is gone; runners go on."""
        value = read_json(self.config.dispatcher_file)
        if value is not None and self._has_dispatcher():
            dispatcher = Identity(**value)
            if processes.is_alive(dispatcher):
                psutil.Process(dispatcher.pid).terminate()
        with FileLock(self.config.lock_file, timeout=_STOP_PATIENCE_S):
            pass
        if self._started is not None:
            self._started.wait(_STOP_PATIENCE_S)

    def _has_dispatcher(self) -> bool:
        if self._started is not None and self._started.poll() is None:
            return True
        try:
            with FileLock(self.config.lock_file, timeout=0):
                return False
        except Timeout:
            return True

    def _pass_on(self, job_id: int, offset: int, on_text: Callable[[str], None] | None) -> int:
        if on_text is None:
            return offset
        while True:
            text, offset = read_log(self.folder(job_id), offset)
            if not text:
                return offset
            on_text(text)
