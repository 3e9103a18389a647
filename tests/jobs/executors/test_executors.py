"""The contract of every executor, run on the local one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs import processes
from jobs.config import QueueConfig
from jobs.durable import write_json
from jobs.endings import Ending, EndingKind, read_ending
from jobs.executors.local import LocalExecutor
from jobs.models import Job
from jobs.processes.identity import Identity
from jobs.programs import environment
from jobs.progress import read_log
from jobs.store import Store
from jobs.task_process import SPEC
from tests.jobs.queues import config_in, until
from tests.jobs.test_store import claimed


@pytest.fixture
def config(memory_folder: Path) -> QueueConfig:
    """A queue without any process of its own."""
    return config_in(memory_folder)


def job_of(config: QueueConfig, me: Identity, task: str) -> Job:
    store = Store(config.database)
    store.enqueue(task, {"steps": 999})
    job = claimed(store, me)
    config.folder(job.id).mkdir(parents=True)
    write_json(config.folder(job.id) / SPEC, job.spec)
    return job


def test_a_task_runs_to_its_end_and_its_words_are_in_the_log(
    config: QueueConfig, me: Identity
) -> None:
    job, executor = job_of(config, me, "echo"), LocalExecutor(config)
    executor.start(job)
    assert executor.wait(20) == 0
    assert read_log(config.folder(job.id))[0] == "hello from job 1\n"
    ending = read_ending(config.folder(job.id), job.attempt)
    assert ending is not None
    assert ending.kind == EndingKind.RETURNED


def test_waiting_gives_up_after_a_while(config: QueueConfig, me: Identity) -> None:
    job, executor = job_of(config, me, "count"), LocalExecutor(config)
    executor.start(job)
    assert executor.wait(0.05) is None
    processes.kill_all(processes.marked(job.id, str(config.database)))


def test_a_task_that_is_asked_to_stop_leaves_its_ending(config: QueueConfig, me: Identity) -> None:
    job, executor = job_of(config, me, "count"), LocalExecutor(config)
    executor.start(job)
    until(lambda: (config.folder(job.id) / "checkpoint.json").exists())
    executor.ask_to_stop()
    assert executor.wait(20) == 0
    assert read_ending(config.folder(job.id), job.attempt) == Ending(EndingKind.STOPPED)


KILLER = """
import sys
from jobs import processes
from jobs.config import QueueConfig
from jobs.executors.local import LocalExecutor
from jobs.processes import platform
from jobs.store import Store
platform.adopt_orphans()
config = QueueConfig.from_text(sys.argv[1])
executor = LocalExecutor(config)
executor.start(Store(config.database).job(1))
while len(processes.marked(1, str(config.database))) < 3:
    executor.wait(0.05)
print(platform.killed_by(executor.kill()))
"""


def test_killing_leaves_no_process_of_the_job_and_tells_the_return_code(
    config: QueueConfig, me: Identity
) -> None:
    # In a process of its own: killing spares nothing below the process that does it.
    job = job_of(config, me, "stubborn")
    command = [sys.executable, "-c", KILLER, config.to_text()]
    answer = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert answer.stdout == "SIGKILL\n", answer.stderr
    assert processes.marked(job.id, str(config.database)) == []


def test_what_was_never_started_can_be_killed(config: QueueConfig) -> None:
    assert LocalExecutor(config).kill() is None
