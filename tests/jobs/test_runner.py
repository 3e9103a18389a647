"""The runner, started as the dispatcher starts it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jobs.config import QueueConfig
from jobs.models import Job, JobState
from jobs.processes.identity import Identity
from jobs.programs import command, environment
from jobs.progress import read_log
from jobs.store import Store
from tests.jobs.queues import config_in, until
from tests.jobs.test_store import claimed


@pytest.fixture
def config(memory_folder: Path) -> QueueConfig:
    """A queue without a dispatcher."""
    return config_in(memory_folder)


def start_runner(config: QueueConfig, job: Job) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(
            "jobs.runner",
            f"--config={config.to_text()}",
            f"--job={job.id}",
            f"--token={job.lease_token}",
        ),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_runner_settles_its_job_and_leaves(config: QueueConfig, me: Identity) -> None:
    store = Store(config.database)
    store.enqueue("echo", {})
    runner = start_runner(config, claimed(store, me))
    assert runner.wait(40) == 0
    assert store.job(1).state == JobState.SUCCEEDED


def test_a_runner_whose_job_went_to_another_starts_nothing(
    config: QueueConfig, me: Identity
) -> None:
    store = Store(config.database)
    store.enqueue("echo", {})
    job = claimed(store, me)
    store.start(job.id, str(job.lease_token), me)
    runner = start_runner(config, job)
    assert "is not held by this runner any more" in runner.communicate()[0]
    assert runner.returncode not in (0, None)
    assert not config.folder(job.id).exists()


def test_a_runner_told_to_leave_hands_its_job_back_with_a_checkpoint(
    config: QueueConfig, me: Identity
) -> None:
    store = Store(config.database)
    store.enqueue("count", {"steps": 999})
    runner = start_runner(config, claimed(store, me))
    until(lambda: (config.folder(1) / "checkpoint.json").exists())
    runner.terminate()
    assert runner.wait(40) == 0
    job = store.job(1)
    assert (job.state, job.owners_lost, job.crashes) == (JobState.QUEUED, 0, 0)


def test_a_pause_taken_back_too_late_puts_the_job_back_into_the_queue(
    config: QueueConfig, me: Identity
) -> None:
    store = Store(config.database)
    store.enqueue("slow_to_stop", {})
    runner = start_runner(config, claimed(store, me))
    until(lambda: (config.folder(1) / "ready").exists())
    store.pause(1)
    until(lambda: (config.folder(1) / "asked").exists())
    store.resume(1)
    assert runner.wait(40) == 0
    assert (store.job(1).state, store.job(1).crashes) == (JobState.QUEUED, 0)


def test_a_task_that_has_ended_but_does_not_leave_is_ended(
    config: QueueConfig, me: Identity
) -> None:
    store = Store(config.database)
    store.enqueue("linger", {})
    assert start_runner(config, claimed(store, me)).wait(40) == 0
    assert (store.job(1).state, store.job(1).result) == (JobState.SUCCEEDED, {"done": True})


def test_each_attempt_is_announced_in_the_log(config: QueueConfig, me: Identity) -> None:
    store = Store(config.database)
    store.enqueue("lose_a_rank", {})
    for _ in range(2):
        start_runner(config, claimed(store, me)).wait(40)
    log = read_log(config.folder(1))[0]
    assert [line[:9] for line in log.splitlines()] == ["Attempt 1", "Attempt 2"]
