"""The queue: claims by many processes beside huey's, recovery after kill -9, what idling costs.

`bench queue` runs all three parts; `bench queue claims`, `recovery` or `idle` runs one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jobs.errors import StoreBusy
from jobs.store import Store
from tests.benchmarks._idling import idle
from tests.benchmarks._recovering import recovery
from tests.benchmarks.startup import commit
from tests.jobs.claimers import Claimed, claim_all, mistakes, put, start_together

PROCESSES = 8
JOBS = 10_000
POLL_S = 1.0

HUEY = """
import json, sys, time
from huey.storage import SqliteStorage
storage = SqliteStorage("bench", sys.argv[1], fsync=sys.argv[2] == "True", timeout=90)
done, longest = [], 0.0
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
while True:
    asked = time.monotonic()
    task = storage.dequeue()
    if task is None:
        break
    storage.put_data(bytes(task), b"{}")
    done.append(int(bytes(task)))
    longest = max(longest, time.monotonic() - asked)
seconds = time.monotonic() - began
print(json.dumps({"jobs": done, "busy": 0, "seconds": seconds, "longest_s": longest}), flush=True)
"""


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables; 0 where nothing went wrong and every bound was kept."""
    parser = argparse.ArgumentParser(prog="bench queue")
    parser.add_argument(
        "part", nargs="?", default="all", choices=("all", "claims", "recovery", "idle")
    )
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--seconds", type=float, default=60.0, help="of idling, each")
    options = parser.parse_args(arguments)
    parts: dict[str, Callable[[], bool]] = {
        "claims": lambda: claims(options.jobs),
        "recovery": recovery,
        "idle": lambda: idle(options.seconds),
    }
    kept = [part() for name, part in parts.items() if options.part in (name, "all")]
    print(
        f"\ncommit {commit()}, SQLAlchemy {version('sqlalchemy')}, huey {version('huey')}, "
        f"gradio {version('gradio')}, Python {sys.version.split()[0]}"
    )
    return 0 if all(kept) else 1


@dataclass(frozen=True)
class Row:
    """One line of the table of claims; `wrong` counts what must not happen."""

    put_rate: float
    done_rate: float
    longest_s: float
    wrong: dict[str, int]


def claims(count: int) -> bool:
    """Ours, ours with a page looking on, and huey's twice, one after the other on the same disk."""
    print(f"\n{PROCESSES} processes claim and finish {count:,} jobs\n")
    print(f"{'':40}{'put in':>9}{'finished':>11}{'longest':>9}{'twice':>7}{'lost':>6}{'locked':>8}")
    ways: dict[str, Callable[[Path], Row]] = {
        "ours (rollback journal, fsync)": lambda place: ours(place, count, page=False),
        "ours, a page polling each second": lambda place: ours(place, count, page=True),
        "huey SqliteStorage (WAL, fsync=True)": lambda place: hueys(place, count, fsync=True),
        "huey SqliteStorage (WAL, fsync=False)": lambda place: hueys(place, count, fsync=False),
    }
    is_good = True
    for name, measure in ways.items():
        with tempfile.TemporaryDirectory() as place:
            row = measure(Path(place))
        print(
            f"{name:40}{row.put_rate:7.0f}/s{row.done_rate:9.0f}/s{row.longest_s:8.2f}s"
            f"{row.wrong['twice']:7}{row.wrong['lost']:6}{row.wrong['told of a lock']:8}",
            flush=True,
        )
        is_good &= not any(row.wrong.values())
    print("ours keeps a running job when its process dies; huey's dequeue has deleted it by then")
    return is_good


def ours(place: Path, count: int, *, page: bool) -> Row:
    """Claim and settle, each with its event, by processes that each hold one slot."""
    database = place / "studio.db"
    seconds = put(Store(database), count)
    over, looks = threading.Event(), []
    watcher = threading.Thread(target=_look, args=(database, over, looks))
    if page:
        watcher.start()
    claimed = claim_all(database, PROCESSES)
    over.set()
    if page:
        watcher.join()
        refused = sum(not seen for _, seen in looks)
        slowest = max(look_s for look_s, _ in looks)
        print(f"  {len(looks)} looks of the page, {refused} refused, the slowest {slowest:.2f} s")
    return _row(count, seconds, claimed, mistakes(database, count, claimed))


def hueys(place: Path, count: int, *, fsync: bool) -> Row:
    """Take a task off, then write its result: what huey's consumer asks of its storage."""
    from huey.storage import SqliteStorage

    database = str(place / "huey.db")
    storage = SqliteStorage("bench", database, fsync=fsync, timeout=90)
    began = time.monotonic()
    for number in range(count):
        storage.enqueue(str(number).encode())
    seconds = time.monotonic() - began
    claimed = start_together([sys.executable, "-c", HUEY, database, str(fsync)], PROCESSES)
    taken = Counter(job for each in claimed for job in each.jobs)
    twice = sum(times - 1 for times in taken.values())
    wrong = {"twice": twice, "lost": count - len(taken), "told of a lock": 0}
    return _row(count, seconds, claimed, wrong)


def _look(database: Path, over: threading.Event, looks: list[tuple[float, bool]]) -> None:
    page = Store(database, patience_s=1.0)
    while not over.wait(POLL_S):
        began, seen = time.monotonic(), True
        try:
            page.jobs(limit=1000)
        except StoreBusy:
            seen = False
        looks.append((time.monotonic() - began, seen))


def _row(count: int, put_s: float, claimed: Sequence[Claimed], wrong: dict[str, int]) -> Row:
    slowest = max(each.seconds for each in claimed)
    return Row(count / put_s, count / slowest, max(each.longest_s for each in claimed), wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
