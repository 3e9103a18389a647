"""How soon a training goes on after kill -9 of everything, beside a cold start of the same spec."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.models import Job, JobState
from jobs.progress import read_metrics
from jobs.queue import Queue
from studio.orders import Orders
from studio.settings import Home
from studio.spec import TrainSpec
from tests import tiny
from tests.benchmarks._cells import Cell
from tests.jobs.queues import kill, step_of, until

TURNS = 3
CLAIMED_LIMIT_S, STEP_LIMIT = 5.0, 1.5
PROGRAMS = ("jobs.dispatcher", "jobs.runner", "jobs.task_process")


@dataclass(frozen=True)
class Turn:
    """Seconds: of a cold start from claim to first step, of a recovery to its claim and on to its step."""

    cold_s: float
    claimed_s: float
    step_s: float


def cells() -> dict[str, Cell]:
    """One cell: its turns share a home, so that the disk's cache is as warm for each."""
    return {"recovery": measure}


def measure() -> dict[str, Any]:
    """The medians of the turns, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        model = tiny.make_model(Path(folder) / "model")
        data = tiny.write_csv(Path(folder) / "rows.csv", 24)
        orders = Orders(home)
        turn(orders, model, data)  # fills the disk's cache
        turns = [turn(orders, model, data) for _ in range(TURNS)]
        orders.queue.stop_dispatcher()
    return {
        name: statistics.median(getattr(each, name) for each in turns)
        for name in Turn.__dataclass_fields__
    }


def report(found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Print the table; whether both bounds were kept in the median."""
    print(f"\nKill -9 of dispatcher, runner and task; medians of {TURNS} turns, tiny model\n")
    row = found.get("recovery")
    if row is None:
        print("not run")
        return True
    cold, claimed, step = row["cold_s"], row["claimed_s"], row["step_s"]
    print(f"cold start, claim to first step       {cold:6.2f} s   (commit {row['commit']})")
    print(
        f"dispatcher's start to the new claim   {claimed:6.2f} s   (limit {CLAIMED_LIMIT_S:.0f} s)"
    )
    print(
        f"new claim to the next step            {step:6.2f} s   "
        f"= {step / cold:.2f} x the cold start (limit {STEP_LIMIT})"
    )
    return bool(claimed <= CLAIMED_LIMIT_S and step / cold <= STEP_LIMIT)


def turn(orders: Orders, model: Path, data: Path) -> Turn:
    """One training: started, killed with everything, recovered, cancelled."""
    queue = orders.queue
    spec = {
        "model": {"source": str(model)},
        "data": {"path": str(data)},
        "training": {"epochs": 10_000},
    }
    job = orders.train(TrainSpec.parse(spec))
    until(lambda: step_of(queue, job) > 20, patience_s=300)
    for program in PROGRAMS:
        kill(queue, program)
    reached = step_of(queue, job)
    began = time.time()
    queue.tend()
    until(lambda: queue.store.job(job.id).attempt == 2, patience_s=300)
    until(lambda: step_after(queue, job, claimed_at(queue, job, 2)) is not None, patience_s=300)
    first, second = claimed_at(queue, job, 1), claimed_at(queue, job, 2)
    went_on = step_after(queue, job, second)
    assert went_on is not None
    assert 1 < went_on["step"] <= reached + 1, "it did not go on from its checkpoint"
    cold = step_after(queue, job, first)
    assert cold is not None
    queue.store.cancel(job.id)
    assert queue.wait(job.id).state == JobState.CANCELLED
    return Turn(cold["time"] - first, second - began, went_on["time"] - second)


def claimed_at(queue: Queue, job: Job, attempt: int) -> float:
    """When that attempt was claimed."""
    return next(
        event.at
        for event in queue.store.events(job.id)
        if (event.kind, event.attempt) == ("claimed", attempt)
    )


def step_after(queue: Queue, job: Job, moment: float) -> dict[str, float] | None:
    """The first optimizer step that was reported after a moment."""
    lines, _ = read_metrics(queue.folder(job.id))
    return next((line for line in lines if line["time"] > moment and line.get("loss")), None)
