"""A cancelled job leaves no process behind and frees its slot, whatever its task does."""

from __future__ import annotations

import time

from jobs import processes
from jobs.models import JobState
from jobs.queue import Queue
from tests.jobs.queues import (
    marked,
    processes_of,
    step_of,
    until,
    until_it_counts,
    until_state,
)


def test_a_cancelled_task_may_save_and_leaves(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 999})
    until_it_counts(queue, job)
    queue.store.cancel(job.id)
    assert queue.wait(job.id, poll_s=0.05).state == JobState.CANCELLED
    assert queue.store.job(job.id).slots == ()


def test_a_task_deaf_to_sigterm_is_killed_with_all_its_descendants(queue: Queue) -> None:
    job = queue.enqueue("stubborn", {})
    until_it_counts(queue, job)
    family = marked(queue, job)
    assert len(family) == 3
    queue.store.cancel(job.id)
    assert queue.wait(job.id, poll_s=0.05).state == JobState.CANCELLED
    assert not any(map(processes.is_alive, family))
    assert marked(queue, job) == []


def test_a_cancelled_job_has_left_nothing_before_the_next_one_starts(queue: Queue) -> None:
    first = queue.enqueue("stubborn", {})
    second = queue.enqueue("count", {"steps": 999})
    until_it_counts(queue, first)
    family = marked(queue, first)
    queue.store.cancel(first.id)
    until_it_counts(queue, second)
    assert not any(map(processes.is_alive, family))


def test_a_task_that_ends_well_leaves_no_process_either(queue: Queue) -> None:
    job = queue.enqueue("orphans", {})
    assert queue.wait(job.id, poll_s=0.05).state == JobState.SUCCEEDED
    assert marked(queue, job) == []


def test_a_job_cancelled_while_it_starts_is_cancelled(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 999})
    until_state(queue, job, JobState.STARTING)
    queue.store.cancel(job.id)
    assert queue.wait(job.id, poll_s=0.05).state == JobState.CANCELLED


def test_a_cancelled_job_whose_runner_is_killed_is_cancelled(queue: Queue) -> None:
    job = queue.enqueue("stubborn", {})
    until_it_counts(queue, job)
    queue.store.cancel(job.id)
    for runner in processes_of(queue, "jobs.runner"):
        runner.kill()
    assert queue.wait(job.id, poll_s=0.05).state == JobState.CANCELLED
    until(lambda: marked(queue, job) == [])


def test_a_stray_sigterm_is_no_cancel_and_no_pause(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 40, "pause_s": 0.03})
    until_it_counts(queue, job)
    (task,) = processes_of(queue, "jobs.task_process")
    task.terminate()
    done = queue.wait(job.id, poll_s=0.05)
    assert (done.state, done.attempt, done.crashes) == (JobState.SUCCEEDED, 2, 1)


def test_outside_its_hours_a_running_job_saves_and_waits_for_them(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 999})
    until_it_counts(queue, job)
    hour = time.localtime().tm_hour
    hours = f"{(hour + 2) % 24:02}:00-{(hour + 4) % 24:02}:00"
    queue.store.schedule(job.id, hours=hours)
    until_state(queue, job, JobState.QUEUED)
    until(lambda: queue.store.job(job.id).waiting_for == f"its hours of the day, {hours}")
    waiting = queue.store.job(job.id)
    assert (waiting.attempt, waiting.crashes, waiting.owners_lost) == (1, 0, 0)
    queue.store.schedule(job.id)
    until_it_counts(queue, job, beyond=step_of(queue, job) + 3)
    assert queue.store.job(job.id).attempt == 2
    queue.store.cancel(job.id)
    assert queue.wait(job.id, poll_s=0.05).state == JobState.CANCELLED
