"""The dispatcher: claims waiting jobs, starts their runners, and recovers jobs that lost theirs."""

from __future__ import annotations

import argparse
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from subprocess import Popen
from typing import Any

from filelock import FileLock, Timeout

from jobs import processes
from jobs.config import QueueConfig
from jobs.durable import write_json
from jobs.endings import Ending, EndingKind, read_ending
from jobs.errors import LeaseLost, StoreError
from jobs.models import ACTIVE, DeviceSlot, Job
from jobs.processes import platform
from jobs.processes.identity import Identity
from jobs.programs import command, environment, find, say
from jobs.runner import cannot_start
from jobs.store import Store

_LOCK_PATIENCE_S = 2.0
_LOOK_AGAIN_S = 3.0
RUNNER_LOG = "runner.log"


class Dispatcher:
    """One round after another; all it knows is in the database, so it may die at any time."""

    def __init__(self, config: QueueConfig, store: Store) -> None:
        self._config = config
        self._store = store
        self._me = processes.myself()
        self._started: dict[str, Popen[bytes]] = {}
        self._leases: dict[str, tuple[float | None, float]] = {}
        self._leaving = threading.Event()
        self._seen: tuple[int, int] | None = None
        self._seen_at = float("-inf")
        self._active: list[Job] = []
        self._has_work = False
        self._devices_fault = ""

    def leave(self) -> None:
        """Leave after this round; runners go on by themselves."""
        self._leaving.set()

    def run(self, lock: FileLock) -> None:
        """Work until told to leave, or until there was nothing to do for a while."""
        timing = self._config.timing
        idle_since = time.monotonic()
        while not self._leaving.is_set():
            try:
                if self.round():
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > timing.linger_s and self._may_leave(lock):
                    return
            except StoreError as error:
                say(error.words)
            except FileNotFoundError:
                return  # the database is gone, and with it all there was to do
            self._leaving.wait(timing.poll_s)

    def round(self) -> bool:
        """Recover what was lost, start what can start; whether there is anything to do at all.

        While the file has not changed there is nothing new in it: then owners are looked at, but
        the file is read only now and then, since memory may have become free.
        """
        state = self._config.database.stat()
        seen = (state.st_mtime_ns, state.st_size)
        is_due = time.monotonic() - self._seen_at > _LOOK_AGAIN_S
        if seen == self._seen and not is_due and not any(map(self._is_lost, self._active)):
            return self._has_work
        self._seen = seen
        if is_due:
            self._seen_at = time.monotonic()
        self._look(tell=is_due)
        return self._has_work

    def _look(self, *, tell: bool) -> None:
        """Read the file; with `tell`, let waiting jobs know what they wait for."""
        self._has_work = self._store.has_work()
        self._active = self._store.jobs(states=ACTIVE) if self._has_work else []
        for job in self._active:
            if self._is_lost(job):
                self._recover(job)
        self._bury_runners()
        if self._has_work and self._store.has_queued():
            self._start_jobs(tell=tell)

    def _may_leave(self, lock: FileLock) -> bool:
        """Give the lock up, then look once more.

        Who enqueues writes the row first and looks at the lock then; so either that one finds the
        lock free and starts a dispatcher, or this one finds the row.
        """
        lock.release()
        if not self._store.has_work():
            return True
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        return False

    def _start_jobs(self, *, tell: bool) -> None:
        devices = self._devices()
        lease_s = self._config.timing.lease_s
        while job := self._store.claim(devices, self._me, lease_s=lease_s, tell=tell):
            self._start_runner(job)

    def _devices(self) -> Sequence[DeviceSlot]:
        """This machine's slots; none, and the reason in the log, where they cannot be told."""
        try:
            provider: Callable[[], Sequence[DeviceSlot]] = find(self._config.devices)
            return provider()
        except Exception:  # noqa: BLE001 - somebody else's code must not stop the queue
            fault = traceback.format_exc()
            if fault != self._devices_fault:
                say(f"No devices: {self._config.devices} failed.\n{fault}")
                self._devices_fault = fault
            return ()

    def _start_runner(self, job: Job) -> None:
        assert job.lease_token is not None
        folder = self._config.folder(job.id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._started[job.lease_token] = platform.start_detached(
                command(
                    "jobs.runner",
                    f"--config={self._config.to_text()}",
                    f"--job={job.id}",
                    f"--token={job.lease_token}",
                ),
                environment(),
                folder / RUNNER_LOG,
                folder,
            )
        except OSError as error:
            self._store.settle(job.id, job.lease_token, cannot_start(error))

    def _bury_runners(self) -> None:
        """Let the system forget runners that have ended."""
        self._started = {
            token: runner for token, runner in self._started.items() if runner.poll() is None
        }

    def _is_lost(self, job: Job) -> bool:
        assert job.lease_token is not None
        owner = _owner(job)
        if owner == self._me:
            runner = self._started.get(job.lease_token)
            return runner is None or runner.poll() is not None
        if owner is None or not processes.is_alive(owner):
            return True
        return self._hangs(job)

    def _hangs(self, job: Job) -> bool:
        """Whether the runner lives but let its lease stand for a whole lease's time.

        Measured by this process's own running time: neither a laptop that slept nor a clock set
        anew makes a runner look as if it hung.
        """
        assert job.lease_token is not None
        now = time.monotonic()
        expires, since = self._leases.get(job.lease_token, (None, now))
        if expires != job.lease_expires:
            self._leases = {**self._leases, job.lease_token: (job.lease_expires, now)}
            return False
        return now - since > self._config.timing.lease_s

    def _recover(self, job: Job) -> None:
        """End what the lost runner left, and settle the job by what it left on disk, if anything."""
        assert job.lease_token is not None
        owner = _owner(job)
        if owner is not None and owner != self._me:
            remaining = processes.descendants(owner.pid) if processes.is_alive(owner) else []
            processes.kill_all([owner, *remaining])
        processes.kill_all(processes.marked(job.id, str(self._config.database)))
        left = read_ending(self._config.folder(job.id), job.attempt)
        try:
            self._store.settle(job.id, job.lease_token, left or Ending(EndingKind.OWNER_LOST))
        except LeaseLost:
            pass
        self._leases.pop(job.lease_token, None)


def _owner(job: Job) -> Identity | None:
    if job.runner_pid is None or job.runner_start is None or job.boot_id is None:
        return None
    return Identity(job.runner_pid, job.runner_start, job.boot_id)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m jobs.dispatcher`; a second one for the same database leaves at once."""
    parser = argparse.ArgumentParser(prog="python -m jobs.dispatcher")
    parser.add_argument("--config", type=QueueConfig.from_text, required=True)
    config: QueueConfig = parser.parse_args(arguments).config
    lock = FileLock(config.lock_file)
    try:
        # A moment's patience: who looks whether a dispatcher lives holds the lock for an instant.
        lock.acquire(timeout=_LOCK_PATIENCE_S)
    except Timeout:
        return
    with suppress(OSError):  # a full disk: the queue goes on without this note
        write_json(config.dispatcher_file, asdict(processes.myself()))
    dispatcher = Dispatcher(config, Store(config.database))

    def leave(_number: int, _frame: Any) -> None:
        dispatcher.leave()

    signal.signal(signal.SIGTERM, leave)
    dispatcher.run(lock)


if __name__ == "__main__":
    main()
