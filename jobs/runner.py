"""The runner: owns one attempt at one job, watches its task, and leaves no process behind."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from jobs import processes
from jobs.config import QueueConfig
from jobs.durable import write_json
from jobs.endings import Ending, EndingKind, ending_file, read_ending
from jobs.errors import LeaseLost, StoreError
from jobs.executors.local import LocalExecutor
from jobs.executors.protocol import Executor
from jobs.hours import Hours
from jobs.models import Intent, Job
from jobs.processes import platform
from jobs.programs import say
from jobs.progress import LOG
from jobs.store import Store
from jobs.task_process import SPEC

_SETTLE_AGAIN_S = 2.0


class Runner:
    """One attempt: from a claimed row to a settled one."""

    def __init__(self, config: QueueConfig, store: Store, executor: Executor, token: str) -> None:
        self._config = config
        self._store = store
        self._executor = executor
        self._token = token
        self._told_to_leave = False
        self._asked: Intent | None = None
        self._was_asked = False
        self._kill_at = float("inf")
        self._next_beat = 0.0

    def run(self, job_id: int) -> None:
        """Run the claimed job `job_id` to its end. Raises LeaseLost when it belongs to another."""
        lease_s = self._config.timing.lease_s
        job = self._store.start(job_id, self._token, processes.myself(), lease_s=lease_s)
        assert job.lease_token is not None
        self._token = job.lease_token
        try:
            self._prepare(job)
            self._executor.start(job)
        except OSError as error:
            self._settle(job, cannot_start(error))
            return
        try:
            self._store.running(job.id, self._token)
            code = self._watch(job)
        finally:
            # Whatever happened, also when the lease is lost: what was started here ends here.
            killed_code = self._executor.kill()
        self._settle(job, self._ending(job, killed_code if code is None else code))

    def leave(self) -> None:
        """Have the task save and stop, and hand the job back: the machine is shutting down."""
        self._told_to_leave = True

    def _prepare(self, job: Job) -> None:
        folder = self._config.folder(job.id)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / SPEC, job.spec)
        self._log(
            job,
            f"Attempt {job.attempt} on {', '.join(job.slots)}, {time.strftime('%Y-%m-%d %H:%M:%S')}.",
        )

    def _watch(self, job: Job) -> int | None:
        """Until the task's process ends; None where it has to be killed."""
        timing = self._config.timing
        while (code := self._executor.wait(timing.poll_s)) is None:
            try:
                self._beat(job)
                self._heed(job)
            except StoreError as error:
                # Training does not stop for a locked or full database; the next look may succeed.
                say(error.words)
                if not self._config.database.exists():
                    raise
            if time.monotonic() >= self._kill_at:
                return None
        return code

    def _beat(self, job: Job) -> None:
        if time.monotonic() >= self._next_beat:
            self._store.beat(job.id, self._token, lease_s=self._config.timing.lease_s)
            self._next_beat = time.monotonic() + self._config.timing.beat_s

    def _heed(self, job: Job) -> None:
        """Pass on what a person wants; a task that has left its ending but stays is ended, too."""
        wish, hours = self._store.wish(job.id, self._token)
        is_over = hours is not None and not Hours.parse(hours).allow(time.time())
        if wish is not None and wish != self._asked:
            self._ask_to_stop(wish)
        elif (self._told_to_leave or is_over) and not self._was_asked:
            self._ask_to_stop(None)
        left = ending_file(self._config.folder(job.id), job.attempt).exists()
        if wish == Intent.CANCEL or left:
            grace_ends = time.monotonic() + self._config.timing.grace_s
            self._kill_at = min(self._kill_at, grace_ends)

    def _ask_to_stop(self, wish: Intent | None) -> None:
        self._asked, self._was_asked = wish, True
        self._executor.ask_to_stop()

    def _ending(self, job: Job, code: int | None) -> Ending:
        """What the task left on disk, else what its return code tells."""
        found = read_ending(self._config.folder(job.id), job.attempt)
        if found is not None and (found.kind != EndingKind.STOPPED or self._was_asked):
            return found
        sign = platform.killed_by(code) if code is not None else None
        if self._was_asked and (sign or code is None):
            return Ending(EndingKind.STOPPED)
        if found is not None or sign:
            ending = Ending(
                EndingKind.KILLED,
                words=f"The system ended the task's process ({sign or 'SIGTERM'}).",
            )
        else:
            words = f"The task's process ended with exit code {code} and left no result."
            ending = Ending(EndingKind.RAISED, code="crash", words=words)
        self._log(job, ending.words or "")
        return ending

    def _settle(self, job: Job, ending: Ending) -> None:
        """Write the ending to the row; a database that is locked or full is waited for."""
        while True:
            try:
                self._store.settle(job.id, self._token, ending)
                return
            except StoreError as error:
                say(error.words)
                if not self._config.database.exists():
                    raise
                time.sleep(_SETTLE_AGAIN_S)

    def _log(self, job: Job, words: str) -> None:
        with (
            suppress(OSError),
            open(self._config.folder(job.id) / LOG, "a", encoding="utf-8") as file,
        ):
            file.write(words + "\n")


def cannot_start(error: OSError) -> Ending:
    """The ending of an attempt for which the system gave no room, no right or no process."""
    words = (
        f"The job could not be started: {error.strerror or error}"
        f"{f' ({error.filename})' if error.filename else ''}. "
        "See to the disk's free space and the folder's rights, then try again."
    )
    return Ending(EndingKind.RAISED, code="cannot_start", words=words)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m jobs.runner`."""
    parser = argparse.ArgumentParser(prog="python -m jobs.runner")
    parser.add_argument("--config", type=QueueConfig.from_text, required=True)
    parser.add_argument("--job", type=int, required=True)
    parser.add_argument("--token", required=True)
    options = parser.parse_args(arguments)
    platform.adopt_orphans()
    platform.keep_awake()
    config: QueueConfig = options.config
    runner = Runner(config, Store(config.database), LocalExecutor(config), options.token)

    def leave(_number: int, _frame: Any) -> None:
        runner.leave()

    signal.signal(signal.SIGTERM, leave)
    try:
        runner.run(options.job)
    except LeaseLost as error:
        say(error.words)
        raise SystemExit(os.EX_TEMPFAIL if hasattr(os, "EX_TEMPFAIL") else 1) from error


if __name__ == "__main__":
    main()
