"""What the studio costs while nothing happens: its page beside a bare Gradio page with the same timer."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, sync_playwright

from studio.orders import Orders
from studio.ui.pages.jobs import SLOW_S
from tests import browser as browsers
from tests.benchmarks._cells import Cell
from tests.jobs.queues import processes_of, until
from tests.studio.ui.serving import ROOT, PageServer

PAGE_LIMIT, DISPATCHER_LIMIT = 2.0, 0.5
SETTLE_S = 10.0
BARE = """
import gradio, sys
with gradio.Blocks() as blocks:
    shown = gradio.HTML("Hello")
    gradio.Timer(float(sys.argv[2])).tick(
        lambda: gradio.skip(), None, shown, queue=False, show_progress="hidden"
    )
blocks.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), share=False, quiet=True)
"""
BARE_PORT = 8393


def cells(seconds: float) -> dict[str, Cell]:
    """One cell: page, bare page and dispatcher are compared at the same load."""
    return {f"idle, {seconds:.0f} s": lambda: measure(seconds)}


def measure(seconds: float) -> dict[str, Any]:
    """Per cent of one core, of the page, of a bare one with the same timer, and of the dispatcher."""
    found = browsers.find()
    if found is None:
        return {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        server = PageServer(Path(folder) / "home").start()
        try:
            return _measured(browser, server, seconds)
        finally:
            browser.close()
            server.end_everything()


def _measured(browser: Browser, server: PageServer, seconds: float) -> dict[str, Any]:
    orders = Orders(server.home)
    page = browser.new_page()
    page.goto(f"{server.instance.address}jobs?token={server.instance.token}")
    plain = bare_percent(browser, SLOW_S, seconds)
    nothing = percent(server.pid, seconds)
    # The dispatcher stays for a job set for tomorrow.
    orders.queue.enqueue("train", {}, run_after=time.time() + 86_400)
    page.reload()
    # Each who enqueues or looks may start one; all but the first leave at once.
    until(lambda: bool(processes_of(orders.queue, "jobs.dispatcher")), patience_s=120)
    time.sleep(SETTLE_S)
    until(lambda: len(processes_of(orders.queue, "jobs.dispatcher")) == 1, patience_s=120)
    (dispatcher,) = processes_of(orders.queue, "jobs.dispatcher")
    before = dispatcher.cpu_times()
    waiting = percent(server.pid, seconds)
    held = {
        " ".join(process.cmdline()[1:5]).split("--")[0][:60]: process.memory_info().rss
        for process in server.processes("")
    }
    return {
        "page": {"nothing waits": nothing, "a job waits for tomorrow": waiting},
        "bare": plain,
        "dispatcher": used(dispatcher.cpu_times(), before) / seconds * 100,
        "held_bytes": held,
    }


def report(found: Mapping[str, Mapping[str, Any]], seconds: float) -> bool:
    """Print the table; whether both bounds were kept."""
    print(f"\nIdle, an open jobs page; % of one core over {seconds:.0f} s each\n")
    row = found.get(f"idle, {seconds:.0f} s")
    if row is None or "page" not in row:
        print("not run" if row is None else "not run: there is no browser of Chromium's family")
        return row is None
    print(f"{'':44}{'page':>8}{'bare gradio':>13}{'more':>8}   commit {row['commit']}")
    for name, ours in row["page"].items():
        words = f"{name}, a look each {SLOW_S} s"
        print(
            f"{words:44}{ours:8.2f}{row['bare']:13.2f}{ours - row['bare']:8.2f}   (limit {PAGE_LIMIT})"
        )
    print(f"{'dispatcher, a job waits':44}{row['dispatcher']:8.2f}   (limit {DISPATCHER_LIMIT})")
    for name, size in row["held_bytes"].items():
        print(f"  {size / 1e6:6.0f} MB  {name!r}")
    more = max(row["page"].values()) - row["bare"]
    return bool(more <= PAGE_LIMIT and row["dispatcher"] < DISPATCHER_LIMIT)


def percent(pid: int, seconds: float) -> float:
    """Per cent of one core that a process used over so many seconds, once it had settled."""
    process = psutil.Process(pid)
    time.sleep(SETTLE_S)
    before = process.cpu_times()
    time.sleep(seconds)
    return used(process.cpu_times(), before) / seconds * 100


def used(after: psutil._ntuples.pcputimes, before: psutil._ntuples.pcputimes) -> float:
    """Seconds of computing between two readings."""
    return float(after.user + after.system - before.user - before.system)


def bare_percent(browser: Browser, pace_s: float, seconds: float) -> float:
    """The same of a bare Gradio program whose page has a timer of that pace."""
    with bare(pace_s) as pid:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{BARE_PORT}/")
        cost = percent(pid, seconds)
        page.close()
        return cost


@contextmanager
def bare(pace_s: float) -> Iterator[int]:
    """A bare Gradio program that answers; its process."""
    process = subprocess.Popen([sys.executable, "-c", BARE, str(BARE_PORT), str(pace_s)], cwd=ROOT)
    try:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", BARE_PORT, timeout=30)
            try:
                connection.request("GET", "/")
                if connection.getresponse().status == 200:
                    yield process.pid
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
            finally:
                connection.close()
    finally:
        process.kill()
        process.wait()
