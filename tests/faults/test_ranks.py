"""A training of several processes is cancelled, loses a process or its runner: none of them is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import processes
from jobs.models import Job, JobState
from jobs.queue import Queue
from studio.settings import Home
from tests import tiny
from tests.faults.invariants import check_all
from tests.jobs.queues import kill, marked, processes_of, queue_in, step_of, until
from tests.studio.runs import make_order

pytestmark = pytest.mark.long


@pytest.fixture
def queue(memory_folder: Path) -> Iterator[Queue]:
    """A queue whose tasks need torch."""
    with queue_in(memory_folder, tasks="tests.faults.torch_tasks:TASKS") as queue:
        yield queue
        check_all(queue)


@pytest.mark.parametrize("end", ["cancel", "kill the runner"])
def test_of_two_ranks_with_two_loaders_each_none_is_left(queue: Queue, end: str) -> None:
    job = queue.enqueue("ranks", {}, max_attempts=1)
    until(lambda: step_of(queue, job), patience_s=300)
    family = marked(queue, job)
    assert len(family) >= 1 + 1 + 2 + 4  # the task, torchrun, two ranks, four loaders
    if end == "cancel":
        queue.store.cancel(job.id)
    else:
        kill(queue, "jobs.runner")
    done = queue.wait(job.id, poll_s=0.05)
    assert done.state == (JobState.CANCELLED if end == "cancel" else JobState.FAILED)
    assert done.slots == ()
    until(lambda: not any(map(processes.is_alive, family)))
    assert marked(queue, job) == []


@pytest.fixture
def real(memory_folder: Path) -> Iterator[Queue]:
    """A queue with the studio's own tasks, in a data home."""
    with queue_in(memory_folder, tasks="studio.tasks:TASKS") as queue:
        yield queue
        check_all(queue)


def endless(queue: Queue, sharding: str) -> Job:
    """A real training of two processes, many times longer than any test."""
    folder = queue.config.database.parent
    home = Home(folder).prepare()
    model, data = tiny.make_model(folder / "model"), tiny.write_csv(folder / "rows.csv", 24)
    pair = {"processes": 2, "batch_size": 2, "sharding": sharding}
    order = make_order(home, model, data, epochs=10_000, eval_every="never", **pair)
    return queue.enqueue("train", order.to_json())


@pytest.mark.parametrize("sharding", ["none", "fsdp"])
def test_a_killed_rank_costs_one_attempt_and_a_cancel_leaves_nobody(
    real: Queue, sharding: str
) -> None:
    job = endless(real, sharding)
    until(lambda: step_of(real, job) > 6, patience_s=300)
    rank = processes_of(real, "studio.training.ranks.rank")[0]
    first = marked(real, job)

    rank.kill()

    until(lambda: real.store.job(job.id).attempt == 2, patience_s=120)
    until(lambda: not any(map(processes.is_alive, first)))
    assert real.store.job(job.id).crashes == 1
    told = [event.words for event in real.store.events(job.id)]
    assert any("of 2 of the training (SIGKILL)" in words for words in told)
    until(lambda: len(processes_of(real, "studio.training.ranks.rank")) == 2, patience_s=120)
    reached = step_of(real, job)
    until(lambda: step_of(real, job) > reached, patience_s=300)

    second = marked(real, job)
    assert len(second) >= 4  # the task, torchrun, two ranks
    real.store.cancel(job.id)
    until(lambda: not any(map(processes.is_alive, second)))
    assert real.wait(job.id, poll_s=0.05).state == JobState.CANCELLED
    assert marked(real, job) == []
