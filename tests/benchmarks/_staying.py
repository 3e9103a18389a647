"""What a window left open costs the page server's memory, look by look, beside a bare Gradio page's timer."""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks._cells import Cell
from tests.benchmarks._filled import filled
from tests.benchmarks._idling import BARE_PORT, bare
from tests.jobs.queues import folder_in_memory
from tests.studio.ui.windows import RUN, Window

LOOKS, PARTS = 5000, 10
# What a first round brings (pools, caches, a heap that settles) is no leak.
SETTLED = 5
LIMIT_BYTES = 500.0
NEVER_S = 86_400.0


def cells() -> dict[str, Cell]:
    """Thousands of looks at the Jobs page, and as many ticks of a bare Gradio page."""
    return {
        f"staying open, {LOOKS} looks": ours,
        f"staying open, {LOOKS} ticks of a bare page": bares,
    }


def ours() -> dict[str, Any]:
    """Resident bytes of the page server over the looks of one window."""
    with folder_in_memory(Path(tempfile.mkdtemp())) as folder:
        server = filled(folder)
        try:
            window = Window(server, "jobs")
            return _held(server.pid, lambda: bool(window.look()))
        finally:
            server.end_everything()


def bares() -> dict[str, Any]:
    """Resident bytes of a bare Gradio program over as many ticks of its one timer."""
    asked = json.dumps({"fn_index": 0, "data": [], "session_hash": "one"})
    with bare(NEVER_S) as pid:

        def tick() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", BARE_PORT, timeout=30)
            connection.request("POST", RUN, asked, {"Content-Type": "application/json"})
            assert connection.getresponse().read()
            connection.close()

        return _held(pid, tick)


def _held(pid: int, look: Callable[[], Any]) -> dict[str, Any]:
    process = psutil.Process(pid)
    held = []
    for _ in range(PARTS):
        for _ in range(LOOKS // PARTS):
            look()
        held.append(process.memory_info().rss)
    looks = LOOKS // PARTS * (PARTS - SETTLED)
    return {"held_bytes": held, "bytes_a_look": (held[-1] - held[SETTLED - 1]) / looks}


def report(found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Print what was measured; whether a look left next to nothing behind."""
    print(f"\nA window left open; server's MB after each tenth of {LOOKS:,} looks\n")
    is_good = True
    for name in cells():
        row = found.get(name)
        if row is None:
            print(f"{name}: not run")
            continue
        held = " ".join(f"{size / 1e6:.1f}" for size in row["held_bytes"])
        rate = row["bytes_a_look"]
        print(f"{name:44} {rate:8.0f} bytes a look   {held}   (commit {row['commit']})")
        if "bare" not in name:
            is_good &= rate < LIMIT_BYTES
    print(f"(limit {LIMIT_BYTES:.0f} bytes a look in the second half; a day of looks is 8,640)")
    return is_good
