"""A queue of real processes for a test, and a look at the processes that belong to it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from jobs import processes
from jobs.config import QueueConfig, Timing
from jobs.models import Job, JobState
from jobs.processes.identity import Identity
from jobs.progress import last_metrics
from jobs.queue import Queue

QUICK = Timing(poll_s=0.1, beat_s=0.3, lease_s=30.0, grace_s=1.0, linger_s=60.0)


def config_in(
    folder: Path, timing: Timing = QUICK, tasks: str = "tests.jobs.tasks:TASKS"
) -> QueueConfig:
    """A queue in `folder` with the tests' own tasks and devices."""
    return QueueConfig(
        database=folder / "studio.db",
        runs=folder / "runs",
        tasks=tasks,
        devices="tests.jobs.devices:slots",
        timing=timing,
    )


@contextmanager
def folder_in_memory(otherwise: Path) -> Iterator[Path]:
    """A folder that no disk slows down: these tests are about processes and locks, not disks."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@contextmanager
def queue_in(
    folder: Path, timing: Timing = QUICK, tasks: str = "tests.jobs.tasks:TASKS"
) -> Iterator[Queue]:
    """A queue whose processes are all gone afterwards, whatever the test did."""
    queue = Queue(config_in(folder, timing, tasks))
    try:
        yield queue
    finally:
        # The dispatcher first: it would start a runner anew.
        for module in ("jobs.dispatcher", "jobs.runner", "jobs.task_process"):
            kill(queue, module)
        for job in queue.store.jobs():
            processes.kill_all(processes.marked(job.id, str(queue.config.database)))
        queue.store.close()


def processes_of(queue: Queue, module: str) -> list[psutil.Process]:
    """The living processes `python -m MODULE` of this queue."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"] or []
        belongs = any(str(queue.config.database.parent) in argument for argument in command)
        if belongs and module in command and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def kill(queue: Queue, module: str) -> int:
    """Kill -9 the processes `python -m MODULE` of this queue; how many there were."""
    found = [processes.identity_of(process.pid) for process in processes_of(queue, module)]
    living = [identity for identity in found if identity is not None]
    processes.kill_all(living)
    return len(living)


def marked(queue: Queue, job: Job) -> list[Identity]:
    """Every process that carries the job's mark, wherever it put itself."""
    return processes.marked(job.id, str(queue.config.database))


def until(happened: Callable[[], object], *, patience_s: float = 40.0) -> None:
    """Wait until `happened()` is true; the test fails when it never is."""
    ends = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.02)


def step_of(queue: Queue, job: Job) -> int:
    """The last step that the job reported; 0 before the first."""
    return int((last_metrics(queue.folder(job.id)) or {"step": 0})["step"])


def until_it_counts(queue: Queue, job: Job, beyond: int = 0) -> None:
    """Wait until the job has reported a step past `beyond`."""
    until(lambda: step_of(queue, job) > beyond)


def until_state(queue: Queue, job: Job, state: JobState) -> None:
    """Wait until the job's row tells of `state`."""
    until(lambda: queue.store.job(job.id).state == state)
