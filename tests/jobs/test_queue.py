"""The handle that callers hold, with real processes behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.models import Job, JobState
from jobs.progress import read_json, read_log
from jobs.queue import Queue
from tests.jobs.queues import QUICK, config_in, processes_of, queue_in, until, until_it_counts


def ran(queue: Queue, task: str, spec: dict[str, object] | None = None) -> Job:
    return queue.wait(queue.enqueue(task, spec or {}).id, poll_s=0.05)


def test_a_job_is_run_and_its_result_is_in_its_row_and_in_its_folder(queue: Queue) -> None:
    job = ran(queue, "echo", {"rank": 16})
    assert job.state == JobState.SUCCEEDED
    assert job.result == {"spec": {"rank": 16}, "attempt": 1, "slots": ["cpu:0"]}
    assert read_json(queue.folder(job.id) / "job.json") == {"rank": 16}
    assert (read_json(queue.folder(job.id) / "result-1.json") or {})["result"] == job.result


def test_waiting_for_a_job_passes_its_log_on(queue: Queue) -> None:
    job = queue.enqueue("echo", {})
    pieces: list[str] = []
    queue.wait(job.id, on_text=pieces.append, poll_s=0.05)
    assert "".join(pieces) == read_log(queue.folder(job.id))[0]
    assert "".join(pieces).endswith(f"hello from job {job.id}\n")


def test_jobs_that_follow_each_other_run_in_that_order(queue: Queue) -> None:
    first = queue.enqueue("count", {"steps": 3})
    second = queue.wait(queue.enqueue("echo", {}, after=first.id).id, poll_s=0.05)
    first = queue.store.job(first.id)
    assert (first.state, second.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    assert (first.ended_at or 0) <= (second.started_at or 0)


def test_a_mistake_in_a_task_is_not_repeated(queue: Queue) -> None:
    job = ran(queue, "fail")
    assert (job.state, job.attempt, job.error_code) == (JobState.FAILED, 1, "crash")
    assert job.error == "ValueError: the sum is off"
    assert "Traceback" in read_log(queue.folder(job.id))[0]


@pytest.mark.parametrize(
    ("task", "words"), [("leave", "exit code 7 and left no result"), ("not_json", "is not JSON")]
)
def test_a_task_that_leaves_nothing_to_read_has_failed(queue: Queue, task: str, words: str) -> None:
    job = ran(queue, task)
    assert (job.state, job.error_code) == (JobState.FAILED, "crash")
    assert words in str(job.error)


def test_a_task_killed_by_the_system_is_tried_once_more_and_told_of_it(queue: Queue) -> None:
    job = ran(queue, "kill_itself", {"times": 1})
    assert (job.state, job.attempt, job.result) == (JobState.SUCCEEDED, 2, {"crashes": 1})


def test_a_task_killed_twice_has_failed(queue: Queue) -> None:
    job = ran(queue, "kill_itself", {"times": 9})
    assert (job.state, job.attempt, job.error_code) == (JobState.FAILED, 2, "killed")
    assert "SIGKILL" in str(job.error)


def test_a_task_whose_rank_was_killed_is_tried_once_more(queue: Queue) -> None:
    job = ran(queue, "lose_a_rank")
    assert (job.state, job.attempt, job.crashes) == (JobState.SUCCEEDED, 2, 1)


def test_a_paused_job_goes_on_where_it_stopped(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 40, "pause_s": 0.05})
    until_it_counts(queue, job, beyond=3)
    queue.store.pause(job.id)
    assert queue.wait(job.id, poll_s=0.05).state == JobState.PAUSED
    queue.store.resume(job.id)
    done = queue.wait(job.id, poll_s=0.05)
    assert done.state == JobState.SUCCEEDED
    assert done.result is not None
    assert done.result["first"] >= 3
    assert (done.owners_lost, done.crashes) == (0, 0)


def test_the_dispatcher_leaves_when_there_is_nothing_to_do(memory_folder: Path) -> None:
    with queue_in(memory_folder, replace(QUICK, linger_s=0.5)) as queue:
        ran(queue, "echo")
        until(lambda: not processes_of(queue, "jobs.dispatcher"))
        assert ran(queue, "echo").state == JobState.SUCCEEDED


def test_an_idle_dispatcher_is_stopped_on_demand_and_stopping_none_is_no_error(
    queue: Queue,
) -> None:
    ran(queue, "echo")
    queue.stop_dispatcher()
    assert processes_of(queue, "jobs.dispatcher") == []
    queue.stop_dispatcher()


def test_tending_brings_a_dispatcher_up_only_where_there_is_work(queue: Queue) -> None:
    queue.tend()
    assert not queue.config.dispatcher_log.exists()
    job = queue.store.enqueue("echo", {})
    queue.tend()
    until(lambda: queue.store.job(job.id).state == JobState.SUCCEEDED)


def test_a_task_that_enqueues_brings_up_no_dispatcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_JOB_ID", "1")
    queue = Queue(config_in(tmp_path))
    queue.enqueue("echo", {})
    assert not queue.config.dispatcher_log.exists()


def test_a_devices_provider_that_fails_is_told_in_the_log_and_the_job_waits(
    memory_folder: Path,
) -> None:
    with queue_in(memory_folder) as good:
        broken = Queue(replace(good.config, devices="tests.jobs.nowhere:slots"))
        job = broken.enqueue("echo", {})
        until(lambda: broken.store.job(job.id).waiting_for)
        assert "No devices" in broken.config.dispatcher_log.read_text()
