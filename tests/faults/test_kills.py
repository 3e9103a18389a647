"""Kill -9 of each process of the queue, alone and together, while a job runs."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jobs import processes
from jobs.endings import ending_file
from jobs.models import Job, JobState
from jobs.queue import Queue
from tests.jobs.queues import (
    QUICK,
    folder_in_memory,
    kill,
    marked,
    processes_of,
    queue_in,
    step_of,
    until,
    until_it_counts,
    until_state,
)

DISPATCHER, RUNNER, TASK = "jobs.dispatcher", "jobs.runner", "jobs.task_process"


@pytest.fixture
def job(queue: Queue) -> Job:
    """A job that has counted a few steps and has some more to go."""
    job = queue.enqueue("count", {"steps": 60, "pause_s": 0.03})
    until_it_counts(queue, job, beyond=2)
    return job


def went_on(queue: Queue, job: Job, *, attempts: int) -> Job:
    """The job once it has ended well, from a checkpoint and not from the start."""
    done = queue.wait(job.id, poll_s=0.05)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, attempts), done.error
    assert done.result is not None
    assert done.result["first"] >= 2 or attempts == 1
    return done


def test_without_its_dispatcher_a_job_goes_on_and_a_new_one_finds_it(
    queue: Queue, job: Job
) -> None:
    assert kill(queue, DISPATCHER) == 1
    until_it_counts(queue, job, beyond=step_of(queue, job) + 3)
    went_on(queue, job, attempts=1)


def test_without_any_dispatcher_a_job_still_comes_to_its_end(queue: Queue, job: Job) -> None:
    kill(queue, DISPATCHER)
    until_state(queue, job, JobState.SUCCEEDED)
    assert processes_of(queue, DISPATCHER) == []


def test_without_its_runner_a_task_ends_and_the_job_goes_on_from_its_checkpoint(
    queue: Queue, job: Job
) -> None:
    (task,) = processes_of(queue, TASK)
    assert kill(queue, RUNNER) == 1
    until(lambda: not psutil.pid_exists(task.pid) or task.status() == psutil.STATUS_ZOMBIE)
    done = went_on(queue, job, attempts=2)
    assert (done.owners_lost, done.crashes) == (1, 0)


def test_a_killed_task_goes_on_from_its_checkpoint_and_knows_of_it(queue: Queue, job: Job) -> None:
    assert kill(queue, TASK) == 1
    done = went_on(queue, job, attempts=2)
    assert done.result is not None
    assert (done.owners_lost, done.result["crashes"]) == (0, 1)


def test_after_a_kill_of_everything_the_next_start_goes_on(queue: Queue, job: Job) -> None:
    for module in (DISPATCHER, RUNNER, TASK):
        kill(queue, module)
    with queue_in(queue.config.database.parent) as next_start:
        next_start.tend()
        went_on(next_start, job, attempts=2)


def test_a_runner_killed_between_result_and_row_loses_no_result(queue: Queue) -> None:
    job = queue.enqueue("linger", {})
    until_state(queue, job, JobState.RUNNING)
    (runner,) = processes_of(queue, RUNNER)
    runner.suspend()
    until(lambda: ending_file(queue.folder(job.id), 1).exists())
    runner.kill()
    done = queue.wait(job.id, poll_s=0.05)
    assert (done.state, done.attempt, done.result) == (JobState.SUCCEEDED, 1, {"done": True})


def test_what_a_killed_runner_leaves_in_other_sessions_is_ended(queue: Queue) -> None:
    job = queue.enqueue("stubborn", {}, max_attempts=1)
    until_it_counts(queue, job)
    family = marked(queue, job)
    assert len(family) == 3
    kill(queue, RUNNER)
    assert queue.wait(job.id, poll_s=0.05).error_code == "lost"
    assert not any(map(processes.is_alive, family))


def test_a_runner_that_hangs_is_ended_and_can_do_no_harm_when_it_wakes(tmp_path: Path) -> None:
    quick = replace(QUICK, lease_s=1.5)
    with folder_in_memory(tmp_path) as folder, queue_in(folder, quick) as queue:
        job = queue.enqueue("count", {"steps": 90, "pause_s": 0.05})
        until_it_counts(queue, job)
        (runner,) = processes_of(queue, RUNNER)
        runner.suspend()
        until(lambda: queue.store.job(job.id).attempt == 2)
        assert not psutil.pid_exists(runner.pid) or runner.status() == psutil.STATUS_ZOMBIE
        queue.store.cancel(job.id)
        assert queue.wait(job.id, poll_s=0.05).state == JobState.CANCELLED


def test_a_runner_that_was_suspended_for_a_while_goes_on(queue: Queue, job: Job) -> None:
    (runner,) = processes_of(queue, RUNNER)
    runner.suspend()
    until_it_counts(queue, job, beyond=step_of(queue, job) + 10)
    runner.resume()
    went_on(queue, job, attempts=1)


def test_a_dispatcher_told_to_leave_leaves_its_runners_alone(queue: Queue, job: Job) -> None:
    (dispatcher,) = processes_of(queue, DISPATCHER)
    dispatcher.send_signal(signal.SIGTERM)
    until(lambda: not processes_of(queue, DISPATCHER))
    went_on(queue, job, attempts=1)
