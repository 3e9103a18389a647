"""Eight processes claim and finish jobs of one queue, beside huey's SQLite storage on the same disk."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.errors import StoreBusy
from jobs.store import Store
from tests.benchmarks._cells import Cell
from tests.jobs.claimers import Claimed, claim_all, mistakes, put, start_together

PROCESSES = 8
POLL_S = 1.0
WRONG = ("twice", "lost", "told of a lock")

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
WAYS: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "ours (rollback journal, fsync)": lambda place, count: ours(place, count, page=False),
    "ours, a page polling each second": lambda place, count: ours(place, count, page=True),
    "huey SqliteStorage (WAL, fsync=True)": lambda place, count: hueys(place, count, fsync=True),
    "huey SqliteStorage (WAL, fsync=False)": lambda place, count: hueys(place, count, fsync=False),
}
RIVAL = "huey SqliteStorage (WAL, fsync=True)"


def cells(count: int) -> dict[str, Cell]:
    """One cell a way."""
    return {f"claims of {count}, {way}": _cell(way, count) for way in WAYS}


def _cell(way: str, count: int) -> Cell:
    def measure() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            return WAYS[way](Path(place), count)

    return measure


def report(found: Mapping[str, Mapping[str, Any]], count: int) -> bool:
    """Print the table; whether no job was claimed twice or lost, and nobody was told of a lock."""
    print(f"\n{PROCESSES} processes claim and finish {count:,} jobs\n")
    print(
        f"{'':40}{'put in':>9}{'finished':>11}{'longest':>9}{'twice':>7}{'lost':>6}{'locked':>8}"
        f"{'load':>6}  commit"
    )
    for way in WAYS:
        row = found.get(f"claims of {count}, {way}")
        if row is None:
            print(f"{way:40} not run")
            continue
        print(
            f"{way:40}{row['put_rate']:7.0f}/s{row['done_rate']:9.0f}/s{row['longest_s']:8.2f}s"
            f"{row['twice']:7}{row['lost']:6}{row['told of a lock']:8}{row['load']:6.1f}  "
            f"{row['commit']}"
        )
        if "looks" in row:
            print(
                f"  {row['looks']} looks of the page, {row['refused']} refused, the slowest "
                f"{row['slowest_s']:.2f} s"
            )
    rival = found.get(f"claims of {count}, {RIVAL}")
    mine = found.get(f"claims of {count}, {next(iter(WAYS))}")
    if rival and mine:
        print(f"huey with fsync / ours: {rival['done_rate'] / mine['done_rate']:.1f}")
    print("ours keeps a running job when its process dies; huey's dequeue has deleted it by then")
    return not any(row[mistake] for row in found.values() for mistake in WRONG)


def ours(place: Path, count: int, *, page: bool) -> dict[str, Any]:
    """Claim and settle, each with its event, by processes that each hold one slot."""
    database = place / "studio.db"
    seconds = put(Store(database), count)
    over, looks = threading.Event(), []
    watcher = threading.Thread(target=_look, args=(database, over, looks))
    if page:
        watcher.start()
    claimed = claim_all(database, PROCESSES)
    over.set()
    seen: dict[str, Any] = {}
    if page:
        watcher.join()
        seen = {
            "looks": len(looks),
            "refused": sum(not seen for _, seen in looks),
            "slowest_s": max(look_s for look_s, _ in looks),
        }
    return _row(count, seconds, claimed) | mistakes(database, count, claimed) | seen


def hueys(place: Path, count: int, *, fsync: bool) -> dict[str, Any]:
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
    return _row(count, seconds, claimed) | wrong


def _look(database: Path, over: threading.Event, looks: list[tuple[float, bool]]) -> None:
    page = Store(database, patience_s=1.0)
    while not over.wait(POLL_S):
        began, seen = time.monotonic(), True
        try:
            page.jobs(limit=1000)
        except StoreBusy:
            seen = False
        looks.append((time.monotonic() - began, seen))


def _row(count: int, put_s: float, claimed: Sequence[Claimed]) -> dict[str, Any]:
    slowest = max(each.seconds for each in claimed)
    return {
        "put_rate": count / put_s,
        "done_rate": count / slowest,
        "longest_s": max(each.longest_s for each in claimed),
    }
