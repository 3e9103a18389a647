"""How long the Jobs page takes to list a thousand jobs, and what a window left open costs its server."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

from jobs.endings import Ending, EndingKind
from jobs.models import DeviceSlot
from jobs.processes import myself
from studio.orders import Orders
from studio.ui.pages.jobs import PAST_SHOWN
from tests import browser as browsers
from tests.benchmarks._cells import Cell
from tests.jobs.queues import folder_in_memory
from tests.studio.ui.serving import PageServer
from tests.studio.ui.windows import Window

COUNT, WAITING, LOOKS = 1000, 20, 20
NEWEST = WAITING + PAST_SHOWN
LIMIT_S = 1.0
TICKS = 5000


def cells() -> dict[str, Cell]:
    """The list by the page's own answer and in a browser; and thousands of looks at it."""
    return {
        f"list, {COUNT} jobs": listing,
        f"list, {TICKS} looks of an open window": staying_open,
    }


def filled(folder: Path) -> PageServer:
    """A page server whose queue has a thousand jobs, most of them past."""
    server = PageServer(folder / "home")
    store, me = Orders(server.home).queue.store, myself()
    slots = [DeviceSlot("cpu:0", "cpu")]
    for number in range(COUNT):
        spec = {"spec": {"name": f"Run {number}", "training": {"epochs": 3}}}
        later = 0.0 if number < COUNT - WAITING else time.time() + 86_400
        store.enqueue("train", spec, name=f"Run {number}", run_after=later)
    while job := store.claim(slots, me, tell=False):
        ending = Ending(EndingKind.RETURNED, result={"number": job.id})
        store.settle(job.id, str(job.lease_token), ending)
    return server.start()


def listing() -> dict[str, Any]:
    """Seconds for the whole answer of a window's first look, and until a browser shows every row."""
    with folder_in_memory(Path(tempfile.mkdtemp())) as folder:
        server = filled(folder)
        try:
            first = []
            for _ in range(LOOKS):
                window = Window(server, "jobs")
                began = time.monotonic()
                answer = window.look()
                first.append(time.monotonic() - began)
                assert answer.count("data-row=") == NEWEST
            return {
                "answer_s": statistics.median(first),
                "slowest_s": max(first),
                "browser_s": _in_a_browser(server, "jobs?", NEWEST),
                "whole_s": _in_a_browser(server, "jobs?all=yes&", COUNT),
            }
        finally:
            server.end_everything()


def _in_a_browser(server: PageServer, address: str, count: int) -> float | None:
    """Seconds from an emptied search field to the last of the rows; None without a browser."""
    found = browsers.find()
    if found is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page()
        instance = server.instance
        page.goto(f"{instance.address}{address}token={instance.token}")
        rows = "() => document.querySelectorAll('[data-row]').length === "
        search = page.locator("#search textarea, #search input")
        page.wait_for_function(f"{rows}{count}", timeout=60_000)
        search.fill("no job is called that")
        page.wait_for_function(f"{rows}0", timeout=60_000)
        began = time.monotonic()
        search.fill("")
        page.wait_for_function(f"{rows}{count}", timeout=60_000)
        seconds = time.monotonic() - began
        browser.close()
        return seconds


def staying_open() -> dict[str, Any]:
    """Resident bytes of the page server over thousands of looks of one window: a day is 8,640."""
    with folder_in_memory(Path(tempfile.mkdtemp())) as folder:
        server = filled(folder)
        try:
            process = psutil.Process(server.pid)
            window = Window(server, "jobs")
            held = []
            for tick in range(TICKS):
                window.look()
                if tick % (TICKS // 10) == TICKS // 10 - 1:
                    held.append(process.memory_info().rss)
            return {"held_bytes": held, "grown_bytes": held[-1] - held[4]}
        finally:
            server.end_everything()


def report(found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Print what was measured; whether the list came in time and nothing grew."""
    is_good = True
    row = found.get(f"list, {COUNT} jobs")
    print(f"\nThe Jobs page with {COUNT:,} jobs\n")
    if row is None:
        print("the list: not run")
    else:
        shown, whole = row["browser_s"], row["whole_s"]
        print(
            f"a window's first answer     {row['answer_s']:.2f} s (slowest {row['slowest_s']:.2f}; "
            f"limit {LIMIT_S:.0f}; load {row['load']:.1f}, commit {row['commit']})"
        )
        if shown is None:
            print("in a browser: not run, there is none here")
        else:
            print(f"in a browser, {NEWEST} rows    {shown:.2f} s (limit {LIMIT_S:.0f})")
            print(f"in a browser, all rows      {whole:.2f} s")
        is_good &= max(row["answer_s"], shown or 0.0) <= LIMIT_S
    row = found.get(f"list, {TICKS} looks of an open window")
    if row is None:
        print("a window left open: not run")
    else:
        held = ", ".join(f"{size / 1e6:.0f}" for size in row["held_bytes"])
        print(
            f"{TICKS:,} looks of an open window, server's MB after each tenth: {held} "
            f"(commit {row['commit']})"
        )
        is_good &= row["grown_bytes"] < 8e6
    return is_good
