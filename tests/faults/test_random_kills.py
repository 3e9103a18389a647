"""Processes of the queue are killed at random moments, again and again; every job ends as it must."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from jobs.errors import WrongState
from jobs.models import Job, JobState
from jobs.queue import Queue
from tests.jobs.queues import processes_of

ROOT = Path(__file__).parents[2]
ONLOOKER = "tests.faults.onlooker"
VICTIMS = ("jobs.dispatcher", "jobs.runner", "jobs.task_process", ONLOOKER)


Counted = Callable[[str, object], None]
# The two hundred kills in ten tests of twenty: one that was cut costs its own twenty only.
TWENTY = [
    pytest.param(6, 20, seed, marks=[pytest.mark.long, pytest.mark.timeout(1800)])
    for seed in range(2, 12)
]


@pytest.mark.parametrize(("jobs", "kills", "seed"), [(3, 8, 1), *TWENTY])
def test_killed_at_random_moments_every_job_still_ends_as_it_must(
    queue: Queue, jobs: int, kills: int, seed: int, record_property: Counted
) -> None:
    chance = random.Random(seed)
    for number in range(jobs):
        spec = {"steps": 20, "pause_s": 0.02}
        queue.enqueue("count", spec, max_attempts=10_000, slot_kind=("cpu", "io")[number % 2])
    killed: Counter[str] = Counter()
    for _ in range(kills):
        if chance.random() < 0.7:
            until_something_runs(queue)
        time.sleep(chance.random() / 2)
        killed += kill_some(victims_of(queue), chance)
        queue.tend()
    ended = [queue.wait(job.id, poll_s=0.1) for job in queue.store.jobs()]
    for job in ended:
        ended_as_it_must(job, "count")
    count(record_property, killed, ended)


def count(record_property: Counted, killed: Counter[str], ended: list[Job]) -> None:
    """Say what was killed and how the jobs ended, for the table of `bench faults`."""
    for program, times in killed.items():
        record_property(f"kills of {program.rpartition('.')[2]}", times)
    for state, times in Counter(job.state.value for job in ended).items():
        record_property(f"jobs {state}", times)
    record_property("attempts", sum(job.attempt for job in ended))


SOAK_S = 20 * 60.0
# Of each program. A soak that kills nobody shows nothing: once all that it met was the onlooker.
FEWEST = 10
KINDS = (*["count"] * 6, "echo", "fail", "explain", "kill_itself")


@pytest.mark.long
@pytest.mark.timeout(3 * 3600)
def test_five_hundred_jobs_are_in_their_right_state_after_twenty_minutes_of_kills(
    queue: Queue, record_property: Counted
) -> None:
    chance = random.Random(3)
    killed: Counter[str] = Counter()
    tasks: dict[int, str] = {}
    for number in range(500):
        kind = KINDS[number % len(KINDS)]
        spec = {"steps": chance.randint(5, 60), "pause_s": 0.02, "times": 1}
        slot = ("cpu", "io", "cuda")[number % 3]
        job = queue.store.enqueue(kind, spec, max_attempts=10_000, slot_kind=slot)
        tasks[job.id] = kind
    cancelled: set[int] = set()
    ends = time.monotonic() + SOAK_S
    with onlooker(queue) as open_again:
        while time.monotonic() < ends:
            time.sleep(2 * chance.random())
            open_again()
            victims = victims_of(queue)
            # An onlooker that has brought nobody up yet is let be: else nothing would ever run.
            if any(module != ONLOOKER for module, _ in victims):
                killed += kill_some(victims, chance, all_at_once=0.05)
            cancelled |= meddle(queue, chance)
    for job_id, kind in tasks.items():
        if queue.store.job(job_id).state == JobState.PAUSED:
            queue.store.resume(job_id)
        queue.tend()
        ended_as_it_must(queue.wait(job_id, poll_s=0.1), kind, asked=job_id in cancelled)
    count(record_property, killed, queue.store.jobs())
    assert all(killed[module] >= FEWEST for module in VICTIMS), killed


@contextmanager
def onlooker(queue: Queue) -> Iterator[Callable[[], None]]:
    """A page's part: a process that lists the jobs each second and brings the dispatcher up.

    Gives what opens it again where it was killed.
    """
    command = [sys.executable, "-m", ONLOOKER, queue.config.to_text()]
    process = subprocess.Popen(command, cwd=ROOT)

    def open_again() -> None:
        nonlocal process
        if process.poll() is not None:
            process = subprocess.Popen(command, cwd=ROOT)

    yield open_again
    process.kill()
    process.wait()


def meddle(queue: Queue, chance: random.Random) -> set[int]:
    """What people do meanwhile: pause, resume, move, cancel; gives the jobs asked to be cancelled."""
    jobs = [job for job in queue.store.jobs() if not job.state.is_ended]
    if not jobs or chance.random() > 0.3:
        return set()
    job, other = chance.choice(jobs), chance.choice(jobs)
    verb = chance.choice(("pause", "resume", "resume", "move", "cancel"))
    try:
        if verb == "move":
            queue.store.reorder(job.id, before=other.id)
        else:
            getattr(queue.store, verb)(job.id)
    except WrongState:
        return set()
    return {job.id} if verb == "cancel" else set()


Victims = list[tuple[str, psutil.Process]]


def victims_of(queue: Queue) -> Victims:
    """The processes of the queue that live now, each with its program."""
    return [(module, each) for module in VICTIMS for each in processes_of(queue, module)]


def until_something_runs(queue: Queue, patience_s: float = 10.0) -> None:
    """Wait for a runner: on a busy machine a dispatcher is killed again and again before it has one."""
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends and not processes_of(queue, "jobs.runner"):
        if all(job.state.is_ended for job in queue.store.jobs()):
            return
        time.sleep(0.05)


def kill_some(victims: Victims, chance: random.Random, *, all_at_once: float = 0.2) -> Counter[str]:
    """Kill -9 one process, or with that chance all of them; how many of each program."""
    if victims and chance.random() >= all_at_once:
        victims = [chance.choice(victims)]
    killed: Counter[str] = Counter()
    for module, victim in victims:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue
        killed[module] += 1
    return killed


FAILS_WITH = {"fail": "crash", "explain": "cheese"}


def ended_as_it_must(job: Job, kind: str, *, asked: bool = False) -> None:
    """Done, or failed where its task fails; cancelled where that was asked; or given up because its
    task was killed twice while its runner lived."""
    if asked and job.state == JobState.CANCELLED:
        return
    assert job.state in (JobState.SUCCEEDED, JobState.FAILED), (job.id, kind, job.state)
    if job.error_code == "killed":
        assert job.crashes == 2, job.error
    elif kind in FAILS_WITH:
        assert job.error_code == FAILS_WITH[kind]
    else:
        assert job.state == JobState.SUCCEEDED, job.error
        assert job.crashes <= 1
