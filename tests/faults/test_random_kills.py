"""Processes of the queue are killed at random moments, again and again; every job ends as it must."""

from __future__ import annotations

import random
import time

import psutil
import pytest

from jobs.models import Job, JobState
from jobs.queue import Queue
from tests.jobs.queues import processes_of

VICTIMS = ("jobs.dispatcher", "jobs.runner", "jobs.task_process")


@pytest.mark.parametrize(
    ("jobs", "kills", "seed"),
    [
        (3, 8, 1),
        pytest.param(30, 200, 2, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
        pytest.param(500, 1200, 3, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_killed_at_random_moments_every_job_still_ends_as_it_must(
    queue: Queue, jobs: int, kills: int, seed: int
) -> None:
    chance = random.Random(seed)
    for number in range(jobs):
        spec = {"steps": 20, "pause_s": 0.02}
        queue.enqueue("count", spec, max_attempts=10_000, slot_kind=("cpu", "io")[number % 2])
    for _ in range(kills):
        time.sleep(chance.random())
        kill_some(queue, chance)
        queue.tend()
    for job in queue.store.jobs():
        ended_as_it_must(queue.wait(job.id, poll_s=0.1))


def kill_some(queue: Queue, chance: random.Random) -> None:
    """Kill -9 one process, or now and then all of them."""
    victims = [process for module in VICTIMS for process in processes_of(queue, module)]
    if victims and chance.random() < 0.8:
        victims = [chance.choice(victims)]
    for victim in victims:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue


def ended_as_it_must(job: Job) -> None:
    """Done; or given up because its task was killed twice while its runner lived."""
    if job.state == JobState.FAILED:
        assert (job.error_code, job.crashes) == ("killed", 2), job.error
    else:
        assert job.state == JobState.SUCCEEDED
        assert job.crashes <= 1
