"""What the studio costs while nothing happens: its page beside a bare Gradio page with the same timer."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

from studio.orders import Orders
from studio.ui.pages.jobs import FAST_S, SLOW_S
from tests import browser as browsers
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


def idle(seconds: float) -> bool:
    """Print the table; whether both bounds were kept."""
    found = browsers.find()
    if found is None:
        print("idle: NOT RUN, there is no browser of Chromium's family")
        return False
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        server = PageServer(Path(folder) / "home").start()
        try:
            return _measured(browser, server, seconds)
        finally:
            browser.close()
            server.end_everything()


def _measured(browser: Browser, server: PageServer, seconds: float) -> bool:
    orders = Orders(server.home)
    page = browser.new_page()
    page.goto(f"{server.instance.address}jobs?token={server.instance.token}")
    bare_slow, bare_fast = (bare_percent(browser, pace, seconds) for pace in (SLOW_S, FAST_S))
    slow = percent(server.pid, seconds)
    # A job set for tomorrow: the dispatcher stays, and the page looks each second.
    orders.queue.enqueue("train", {}, run_after=time.time() + 86_400)
    page.reload()
    # Each who enqueues or looks may start one; all but the first leave at once.
    until(lambda: len(processes_of(orders.queue, "jobs.dispatcher")) == 1, patience_s=120)
    time.sleep(SETTLE_S)
    (dispatcher,) = processes_of(orders.queue, "jobs.dispatcher")
    before = dispatcher.cpu_times()
    fast = percent(server.pid, seconds)
    dispatching = used(dispatcher.cpu_times(), before) / seconds * 100
    print(f"\nIdle, an open jobs page; % of one core over {seconds:.0f} s each\n")
    print(f"{'':38}{'page':>8}{'bare gradio':>13}{'more':>8}")
    for name, ours, bare in (
        (f"nothing waits, a look each {SLOW_S} s", slow, bare_slow),
        (f"a job waits, a look each {FAST_S} s", fast, bare_fast),
    ):
        print(f"{name:38}{ours:8.2f}{bare:13.2f}{ours - bare:8.2f}   (limit {PAGE_LIMIT})")
    print(f"{'dispatcher, a job waits':38}{dispatching:8.2f}   (limit {DISPATCHER_LIMIT})")
    for process in server.processes(""):
        command = " ".join(process.cmdline()[1:5])
        print(f"  {process.memory_info().rss / 1e6:6.0f} MB  {command.split('--')[0][:60]!r}")
    return max(slow - bare_slow, fast - bare_fast) <= PAGE_LIMIT and dispatching < DISPATCHER_LIMIT


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
