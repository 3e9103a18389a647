"""A training of several processes is cancelled or loses its runner: none of them is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import processes
from jobs.models import JobState
from jobs.queue import Queue
from tests.faults.invariants import check_all
from tests.jobs.queues import kill, marked, queue_in, step_of, until

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
