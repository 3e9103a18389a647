"""A database that is locked, a disk that is full, a power cut in the middle of a write."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from jobs.errors import StoreBusy
from jobs.models import JobState
from jobs.progress import read_log
from jobs.queue import Queue
from jobs.store import Store
from tests.disks import fill, mounted
from tests.faults.invariants import check_file
from tests.jobs.queues import (
    kill,
    processes_of,
    queue_in,
    step_of,
    until,
    until_it_counts,
    until_state,
)

ROOT = Path(__file__).parents[2]


def test_a_page_is_told_of_a_locked_database_while_the_job_goes_on(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 60, "pause_s": 0.03})
    until_it_counts(queue, job)
    page = Store(queue.config.database, patience_s=0.1)
    with sqlite3.connect(queue.config.database, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy):
            page.jobs()
        until_it_counts(queue, job, beyond=step_of(queue, job) + 10)
        other.execute("ROLLBACK")
    assert queue.wait(job.id, poll_s=0.05).state == JobState.SUCCEEDED


@pytest.mark.long
def test_owners_wait_out_a_database_that_is_locked_for_half_a_minute(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 60, "pause_s": 0.03})
    until_it_counts(queue, job)
    with sqlite3.connect(queue.config.database, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(31)
        other.execute("ROLLBACK")
    done = queue.wait(job.id, poll_s=0.05)
    assert (done.state, done.attempt) == (JobState.SUCCEEDED, 1)


def test_the_list_can_be_read_all_the_time_while_jobs_come_and_go(queue: Queue) -> None:
    jobs = [queue.enqueue("echo", {}, slot_kind="io") for _ in range(6)]
    page = Store(queue.config.database, patience_s=1.0)
    until(lambda: all(job.state.is_ended for job in page.jobs()))
    assert {page.job(job.id).state for job in jobs} == {JobState.SUCCEEDED}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    with mounted(tmp_path / "disk", "1m") as disk:
        yield disk


def test_a_full_disk_stops_no_job_and_its_end_is_told_once_there_is_room(
    small_disk: Path,
) -> None:
    with queue_in(small_disk) as queue:
        job = queue.enqueue("until_there_is_room", {})
        until_state(queue, job, JobState.RUNNING)
        ballast = fill(small_disk)
        with pytest.raises(Exception, match="full"):
            queue.store.enqueue("echo", {"words": "x" * 20_000})
        time.sleep(1.0)
        ballast.unlink()
        assert queue.wait(job.id, poll_s=0.05).state == JobState.SUCCEEDED
        check_file(str(queue.config.database))


def test_lines_of_log_and_metrics_that_find_no_room_stop_no_job_and_later_ones_are_there(
    small_disk: Path,
) -> None:
    with queue_in(small_disk) as queue:
        job = queue.enqueue("talk", {})
        until_it_counts(queue, job)
        ballast = fill(small_disk)
        until(lambda: step_of(queue, job) and shutil.disk_usage(small_disk).free < 4096)
        time.sleep(0.5)
        ballast.unlink()
        done = queue.wait(job.id, poll_s=0.05)
        assert done.state == JobState.SUCCEEDED, done.error
        assert done.result is not None
        assert step_of(queue, job) == done.result["spoken"]
        text, _ = read_log(queue.folder(job.id), -200)
        assert text.endswith(f"line {done.result['spoken']}\n")
        check_file(str(queue.config.database))


def test_a_job_that_cannot_start_for_want_of_room_is_told_so_or_starts_once_there_is_some(
    small_disk: Path,
) -> None:
    with queue_in(small_disk) as queue:
        waiting = queue.store.enqueue("echo", {})
        ballast = fill(small_disk)
        queue.tend()
        until(lambda: processes_of(queue, "jobs.dispatcher"))
        time.sleep(1.0)
        ballast.unlink()
        queue.tend()
        done = queue.wait(waiting.id, poll_s=0.05)
        assert done.state == JobState.SUCCEEDED or done.error_code == "cannot_start"
        assert queue.wait(queue.enqueue("echo", {}).id, poll_s=0.05).state == JobState.SUCCEEDED
        check_file(str(queue.config.database))


def test_a_task_that_finds_no_room_is_paused_with_words_and_goes_on_when_resumed(
    queue: Queue,
) -> None:
    job = queue.enqueue("needs_room", {})
    paused = queue.wait(job.id, poll_s=0.05)
    assert (paused.state, paused.error_code, paused.slots) == (JobState.PAUSED, "disk_full", ())
    assert paused.error == "The disk is almost full. Make some room, then resume."
    assert queue.store.resume(job.id).error is None
    assert queue.wait(job.id, poll_s=0.05).state == JobState.SUCCEEDED


WRITER = """
import sys
from pathlib import Path
from typing import IO
from jobs.store import Store
store = Store(Path(sys.argv[1]))
while True:
    print(store.enqueue("train", {"words": "x" * 3000}).id, flush=True)
"""


# The two hundred cuts in ten tests of twenty: one that was cut itself costs its own twenty only.
@pytest.mark.parametrize(
    ("cuts", "seed"),
    [(15, 7), *(pytest.param(20, seed, marks=pytest.mark.long) for seed in range(10))],
)
def test_after_a_power_cut_no_acknowledged_job_is_missing(
    tmp_path: Path, cuts: int, seed: int, record_property: Callable[[str, object], None]
) -> None:
    database, moments = tmp_path / "studio.db", random.Random(seed)
    command = [sys.executable, "-c", WRITER, str(database)]
    with_journal = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, bufsize=0) as writer:
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        frozen = psutil.Process(writer.pid)
        os.set_blocking(writer.stdout.fileno(), False)
        for cut in range(cuts):
            time.sleep(moments.random() * 0.1)
            frozen.suspend()
            acknowledged = newest_said(writer.stdout, acknowledged)
            with_journal += in_mid_write(database)
            lost_power(tmp_path, tmp_path / f"cut-{cut}", acknowledged)
            frozen.resume()
        writer.kill()
    record_property("power cuts", cuts)
    record_property("of them in the middle of a write", with_journal)
    record_property("jobs acknowledged", acknowledged)


def newest_said(said: IO[bytes], before: int) -> int:
    """The last job that the writer has acknowledged by now; `before` where it said nothing since."""
    lines = (said.read() or b"").split()
    return int(lines[-1]) if lines else before


def in_mid_write(database: Path) -> bool:
    """Whether a journal lies there that the next who opens the database has to play back."""
    journal = database.with_name(f"{database.name}-journal")
    return journal.exists() and any(journal.read_bytes()[:28])


def lost_power(home: Path, copy: Path, acknowledged: int) -> None:
    """Open a copy of the database and its journal as they lie on the disk at this moment."""
    copy.mkdir()
    for path in home.glob("studio.db*"):
        shutil.copy(path, copy)
    check_file(str(copy / "studio.db"))
    store = Store(copy / "studio.db")
    assert {job.id for job in store.jobs()} >= set(range(1, acknowledged + 1))
    store.close()
    shutil.rmtree(copy)


def test_a_metrics_file_torn_by_a_kill_is_read_on(queue: Queue) -> None:
    job = queue.enqueue("count", {"steps": 40, "pause_s": 0.03})
    until_it_counts(queue, job)
    kill(queue, "jobs.task_process")
    with open(queue.folder(job.id) / "metrics.jsonl", "a") as file:
        file.write('{"step": 3, "lo')
    assert queue.wait(job.id, poll_s=0.05).state == JobState.SUCCEEDED
    assert step_of(queue, job) == 40
