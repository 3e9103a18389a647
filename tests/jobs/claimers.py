"""Several processes that claim and finish the jobs of one queue at once, each noting what it did."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jobs.database import Database
from jobs.endings import Ending, EndingKind
from jobs.errors import StoreBusy
from jobs.models import DeviceSlot, JobState
from jobs.processes import myself
from jobs.store import Store

ROOT = Path(__file__).parents[2]
DONE = Ending(EndingKind.RETURNED, result={})


@dataclass(frozen=True)
class Claimed:
    """What one process did: the jobs it finished, how often it was told of a lock, its longest wait."""

    jobs: list[int]
    busy: int
    seconds: float
    longest_s: float


def put(store: Store, count: int) -> float:
    """Enqueue so many jobs that take no time; gives the seconds."""
    began = time.monotonic()
    for number in range(count):
        store.enqueue("echo", {"number": number})
    return time.monotonic() - began


def claim_all(database: Path, processes: int) -> list[Claimed]:
    """Let processes claim and finish until nothing waits."""
    module = [sys.executable, "-m", "tests.jobs.claimers"]
    return start_together([*module, str(database), str(processes)], processes)


def start_together(command: Sequence[str], processes: int) -> list[Claimed]:
    """Start processes, let them begin once all are ready; what each says that it did, as JSON."""
    workers = [
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return [Claimed(**json.loads(worker.communicate()[0])) for worker in workers]


def mistakes(database: Path, count: int, claimed: Sequence[Claimed]) -> dict[str, int]:
    """How many jobs were claimed twice, or lost, or ended otherwise than well; all 0 where it is right."""
    taken = Counter(job for each in claimed for job in each.jobs)
    store = Store(database)
    jobs = store.jobs()
    with Database(database).reading() as connection:
        query = "SELECT count(*) FROM job_events WHERE kind = 'claimed'"
        claims = connection.exec_driver_sql(query).scalar_one()
    return {
        "twice": sum(times - 1 for times in taken.values()) + claims - count,
        "lost": count - len(taken),
        "not succeeded": sum(job.state != JobState.SUCCEEDED for job in jobs),
        "more than one attempt": sum(job.attempt != 1 for job in jobs),
        "told of a lock": sum(each.busy for each in claimed),
    }


def work(database: Path, processes: int) -> Claimed:
    """Claim and finish one job after another until none waits."""
    store, me = Store(database), myself()
    slots = [DeviceSlot(f"cpu:{number}", "cpu") for number in range(processes)]
    done: list[int] = []
    busy, longest, began = 0, 0.0, time.monotonic()
    while True:
        asked = time.monotonic()
        try:
            job = store.claim(slots, me, tell=False)
            if job is None:
                return Claimed(done, busy, time.monotonic() - began, longest)
            store.settle(job.id, str(job.lease_token), DONE)
            done.append(job.id)
        except StoreBusy:
            busy += 1
        longest = max(longest, time.monotonic() - asked)


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asdict(work(Path(sys.argv[1]), int(sys.argv[2])))), flush=True)
