"""The dispatcher, one round at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs import processes
from jobs.config import QueueConfig
from jobs.dispatcher import Dispatcher
from jobs.endings import Ending, EndingKind, write_ending
from jobs.models import JobState
from jobs.processes.identity import Identity
from jobs.queue import Queue
from jobs.store import Store
from tests.jobs.queues import config_in, processes_of, queue_in, until
from tests.jobs.test_store import claimed

DEAD = Identity(pid=2**22 + 7, start=1.0, boot_id="an earlier boot")


@pytest.fixture
def config(memory_folder: Path) -> QueueConfig:
    """A queue whose programs are not started by themselves; nothing offers a slot."""
    return replace(config_in(memory_folder), devices="tests.jobs.devices:none")


@pytest.fixture
def dispatcher(config: QueueConfig) -> Iterator[Dispatcher]:
    """A dispatcher in this process."""
    store = Store(config.database)
    yield Dispatcher(config, store)
    store.close()


@pytest.fixture
def store(config: QueueConfig, dispatcher: Dispatcher) -> Store:
    """The dispatcher's own database."""
    return Store(config.database)


def test_an_empty_queue_is_nothing_to_do(dispatcher: Dispatcher) -> None:
    assert dispatcher.round() is False


def test_a_job_whose_owner_is_gone_waits_again(dispatcher: Dispatcher, store: Store) -> None:
    store.enqueue("echo", {})
    claimed(store, DEAD)
    dispatcher.round()
    job = store.job(1)
    assert (job.state, job.owners_lost, job.slots) == (JobState.QUEUED, 1, ())


def test_a_job_that_loses_its_owner_too_often_has_failed(
    dispatcher: Dispatcher, store: Store
) -> None:
    store.enqueue("echo", {}, max_attempts=2)
    for _ in range(2):
        claimed(store, DEAD)
        dispatcher.round()
    assert (store.job(1).state, store.job(1).error_code) == (JobState.FAILED, "lost")


def test_a_result_on_disk_stands_above_a_lost_owner(
    dispatcher: Dispatcher, store: Store, config: QueueConfig
) -> None:
    store.enqueue("echo", {})
    job = claimed(store, DEAD)
    config.folder(job.id).mkdir(parents=True)
    write_ending(config.folder(job.id), job.attempt, Ending(EndingKind.RETURNED, {"score": 1}))
    dispatcher.round()
    assert (store.job(1).state, store.job(1).result) == (JobState.SUCCEEDED, {"score": 1})


def test_the_result_of_an_earlier_attempt_is_not_taken_for_this_one(
    dispatcher: Dispatcher, store: Store, config: QueueConfig
) -> None:
    store.enqueue("echo", {})
    job = claimed(store, DEAD)
    config.folder(job.id).mkdir(parents=True)
    write_ending(config.folder(job.id), job.attempt - 1, Ending(EndingKind.RETURNED, {}))
    dispatcher.round()
    assert store.job(1).state == JobState.QUEUED


def test_a_job_whose_owner_lives_is_left_alone_however_old_its_lease(
    dispatcher: Dispatcher, store: Store, config: QueueConfig
) -> None:
    slept = Store(config.database, clock=lambda: 1.0)
    slept.enqueue("echo", {})
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as runner:
        owner = processes.identity_of(runner.pid)
        assert owner is not None
        before = claimed(slept, owner)
        dispatcher.round()
        dispatcher.round()
        assert store.job(1) == before
        runner.kill()


def test_a_number_given_to_another_process_does_not_keep_a_job(
    dispatcher: Dispatcher, store: Store, me: Identity
) -> None:
    store.enqueue("echo", {})
    claimed(store, replace(me, start=me.start - 1))
    dispatcher.round()
    assert store.job(1).state == JobState.QUEUED


def test_what_a_lost_runner_left_running_is_ended_before_the_job_waits_again(
    dispatcher: Dispatcher, store: Store, config: QueueConfig
) -> None:
    store.enqueue("echo", {})
    job = claimed(store, DEAD)
    marks = {"JOBS_JOB_ID": str(job.id), "JOBS_DATABASE": str(config.database)}
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env=marks
    ) as rank:
        until(lambda: processes.marked(job.id, str(config.database)))
        dispatcher.round()
        assert rank.wait(5) != 0


def test_a_cancelled_job_without_an_owner_is_cancelled(
    dispatcher: Dispatcher, store: Store
) -> None:
    store.enqueue("echo", {})
    store.cancel(claimed(store, DEAD).id)
    dispatcher.round()
    assert store.job(1).state == JobState.CANCELLED


def test_a_runner_that_cannot_start_fails_its_job_and_not_the_queue(tmp_path: Path) -> None:
    config = replace(config_in(tmp_path), devices="tests.jobs.devices:slots")
    store = Store(config.database)
    store.enqueue("echo", {})
    config.runs.write_text("a file where the folder of the runs should be")
    Dispatcher(config, store).round()
    assert (store.job(1).state, store.job(1).error_code) == (JobState.FAILED, "cannot_start")
    assert str(config.runs) in str(store.job(1).error)


def test_a_second_dispatcher_for_the_same_database_leaves_at_once(memory_folder: Path) -> None:
    with queue_in(memory_folder) as queue, queue_in(memory_folder) as other:
        job = queue.enqueue("count", {"steps": 400})
        until(lambda: queue.store.job(job.id).state == JobState.RUNNING)
        other.ensure_dispatcher()
        second = Queue(queue.config)
        second._has_dispatcher = lambda: False  # type: ignore[method-assign]
        second.ensure_dispatcher()
        assert second._started is not None
        assert second._started.wait(20) == 0
        assert len(processes_of(queue, "jobs.dispatcher")) == 1


def slots_of(queue: Queue, job_id: int) -> tuple[str, ...]:
    return queue.store.job(job_id).slots


def test_jobs_of_different_kinds_run_side_by_side(memory_folder: Path) -> None:
    with queue_in(memory_folder) as queue:
        kinds = ("cpu", "io", "io", "cuda:1")
        jobs = [queue.enqueue("count", {"steps": 999}, slot_kind=kind) for kind in kinds]
        until(lambda: all(slots_of(queue, job.id) for job in jobs))
        held = [slots_of(queue, job.id) for job in jobs]
        assert held == [("cpu:0",), ("io:0",), ("io:1",), ("cuda:1",)]
