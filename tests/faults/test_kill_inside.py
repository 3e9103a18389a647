"""Kill -9 inside a verb: at every statement of enqueue, claim, start and settle, commits included."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.config import QueueConfig
from jobs.dispatcher import Dispatcher
from jobs.models import JobState
from jobs.queue import Queue
from jobs.store import Store
from tests.faults.invariants import check_all
from tests.jobs.queues import config_in

ROOT = Path(__file__).parents[2]
ALL = tuple(range(80))
# One job's whole life. The process kills itself just before its statement of that number; each
# verb that came back is acknowledged on standard output.
LIFE = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from jobs.endings import Ending, EndingKind, write_ending
from jobs.models import DeviceSlot
from jobs.processes import myself
from jobs.store import Store

runs, wanted = Path(sys.argv[2]), int(sys.argv[3])
store, me, count = Store(Path(sys.argv[1])), myself(), 0

def tick(*_):
    global count
    if count == wanted:
        os.kill(os.getpid(), signal.SIGKILL)
    count += 1

engine = store._database._reader
event.listen(engine, "before_cursor_execute", tick)
event.listen(engine, "commit", tick)
say = lambda words: print(words, flush=True)
job = store.enqueue("echo", {}); say("enqueued")
job = store.claim([DeviceSlot("cpu:0", "cpu")], me); say("claimed")
job = store.start(job.id, job.lease_token, me); say("started")
store.running(job.id, job.lease_token); say("running")
store.beat(job.id, job.lease_token)
folder = runs / str(job.id)
folder.mkdir(parents=True, exist_ok=True)
ending = Ending(EndingKind.RETURNED, result={"attempt": job.attempt})
write_ending(folder, job.attempt, ending); say("written")
store.settle(job.id, job.lease_token, ending); say("settled")
say(f"statements {count}")
"""


def live(config: QueueConfig, kill_at: int) -> tuple[int, list[str]]:
    """One life with a kill before that statement: the return code, and what was acknowledged."""
    command = [sys.executable, "-c", LIFE, str(config.database), str(config.runs), str(kill_at)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode in (0, -signal.SIGKILL), answer.stderr
    return answer.returncode, answer.stdout.split("\n")


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param((2, 10, 12, 22, 30), id="some"),
        pytest.param(ALL, id="all", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_whatever_was_acknowledged_is_there_and_the_job_can_go_on(
    memory_folder: Path, moments: tuple[int, ...]
) -> None:
    for moment in moments:
        config = config_in(memory_folder / str(moment))
        config.database.parent.mkdir()
        Store(config.database).close()  # the tables are made before the first life
        code, said = live(config, moment)

        store = Store(config.database)
        dispatcher = Dispatcher(config, store)
        for job in store.jobs():
            if job.state.is_active:  # its owner was killed: as the next dispatcher finds it
                assert dispatcher._is_lost(job)
                dispatcher._recover(job)
        states = [job.state for job in store.jobs()]
        if "enqueued" in said:
            assert len(states) == 1, moment
        if "written" in said:
            assert states == [JobState.SUCCEEDED], moment
        assert set(states) <= {JobState.QUEUED, JobState.SUCCEEDED}, moment
        check_all(Queue(config))
        if code == 0:
            return  # the life has no more statements than this
    assert len(moments) < len(ALL), "a life has more statements than were tried"
