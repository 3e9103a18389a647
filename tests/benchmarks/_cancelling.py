"""How long a cancel takes until no process of the job is left, whatever its task does."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jobs import processes
from jobs.config import Timing
from jobs.models import Job, JobState
from jobs.queue import Queue
from tests.benchmarks._cells import Cell
from tests.jobs.queues import marked, queue_in, step_of, until

LIMIT_S = 5.0
TURNS = 3
TASKS = {
    "a task that heeds SIGTERM": ("tests.jobs.tasks:TASKS", "count", 1),
    "a task and two children deaf to it": ("tests.jobs.tasks:TASKS", "stubborn", 3),
    "torchrun, 2 ranks, 2 loaders each": ("tests.faults.torch_tasks:TASKS", "ranks", 8),
}


def cells() -> dict[str, Cell]:
    """One cell a kind of task."""
    return {f"cancel, {name}": _cell(*task) for name, task in TASKS.items()}


def _cell(tasks: str, task: str, least: int) -> Cell:
    def measure() -> dict[str, Any]:
        turns = [_turn(tasks, task, least) for _ in range(TURNS)]
        return {name: max(turn[name] for turn in turns) for name in turns[0]}

    return measure


def _turn(tasks: str, task: str, least: int) -> dict[str, float]:
    """Seconds from the wish to the last process, by the timing that the studio ships with."""
    with tempfile.TemporaryDirectory() as folder, queue_in(Path(folder), Timing(), tasks) as queue:
        job = queue.enqueue(task, {"steps": 100_000})
        until(lambda: step_of(queue, job), patience_s=300)
        family = marked(queue, job)
        assert len(family) >= least
        began = time.monotonic()
        queue.store.cancel(job.id)
        gone_s = _seconds_until(lambda: not any(map(processes.is_alive, family)), began)
        free_s = _seconds_until(lambda: _is_over(queue, job), began)
        return {
            "processes": len(family),
            "gone_s": gone_s,
            "free_s": free_s,
            "left": len(marked(queue, job)),
        }


def _is_over(queue: Queue, job: Job) -> bool:
    now = queue.store.job(job.id)
    return now.state == JobState.CANCELLED and now.slots == ()


def _seconds_until(happened: Callable[[], bool], began: float) -> float:
    until(happened)
    return time.monotonic() - began


def report(found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Print the table; whether all were gone in time."""
    print(f"\nFrom a cancel to the last process and to the free slot; the worst of {TURNS} turns\n")
    print(f"{'':38}{'processes':>10}{'gone':>9}{'slot free':>11}{'left':>6}{'load':>6}  commit")
    is_good = True
    for name in TASKS:
        row = found.get(f"cancel, {name}")
        if row is None:
            print(f"{name:38} not run")
            continue
        print(
            f"{name:38}{row['processes']:10}{row['gone_s']:8.2f}s{row['free_s']:10.2f}s{row['left']:6}"
            f"{row['load']:6.1f}  {row['commit']}"
        )
        is_good &= max(row["gone_s"], row["free_s"]) <= LIMIT_S and not row["left"]
    print(f"limit {LIMIT_S:.0f} s")
    return is_good
