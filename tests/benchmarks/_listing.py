"""How long the Jobs page takes to list a thousand jobs: the server's answer, and until a browser shows it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

from studio.ui.pages.jobs import PAST_SHOWN
from tests import browser as browsers
from tests.benchmarks._cells import Cell
from tests.benchmarks._filled import COUNT, WAITING, filled
from tests.jobs.queues import folder_in_memory
from tests.studio.ui.serving import PageServer
from tests.studio.ui.windows import Window

LOOKS, TIMES = 20, 7
NEWEST = WAITING + PAST_SHOWN
LIMIT_S = 1.0
NAME = f"list, {COUNT} jobs"
# From a changed search field to the frame after the one that has the last of the rows.
SHOW = """async ([words, count]) => {
  const field = document.querySelector('#search textarea, #search input');
  const value = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value');
  const rows = () => document.querySelectorAll('[data-row]').length;
  const began = performance.now();
  value.set.call(field, words);
  field.dispatchEvent(new Event('input', { bubbles: true }));
  while (rows() !== count) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return (performance.now() - began) / 1000;
}"""


def cells() -> dict[str, Cell]:
    """The list by the page's own answer and in a browser."""
    return {NAME: listing}


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
                "answer_bytes": len(answer),
                **_in_a_browser(server),
            }
        finally:
            server.end_everything()


def _in_a_browser(server: PageServer) -> dict[str, Any]:
    """Of the newest rows and of all: what was waited for and computed; nothing without a browser."""
    found = browsers.find()
    if found is None:
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page, instance = browser.new_page(), server.instance
        shown = {}
        for name, address, count in (
            ("newest", "jobs?", NEWEST),
            ("all", "jobs?all=yes&", COUNT),
        ):
            page.goto(f"{instance.address}{address}token={instance.token}")
            page.wait_for_selector("[data-row]", timeout=60_000)
            shown[name] = _shown(page, server, count)
        browser.close()
        return shown


def _shown(page: Page, server: PageServer, count: int) -> dict[str, float]:
    """Medians over the times that the search field was emptied: seconds waited, CPU seconds of all."""
    waited, computed = [], []
    for _ in range(TIMES):
        page.evaluate(SHOW, ["no job is called that", 0])
        time.sleep(1.0)
        before = _computing(server)
        waited.append(page.evaluate(SHOW, ["", count]))
        computed.append(_computing(server) - before)
    return {"waited_s": statistics.median(waited), "computed_s": statistics.median(computed)}


def _computing(server: PageServer) -> float:
    """CPU seconds so far of the page server and of everything that this process started."""
    processes = [psutil.Process(server.pid), *psutil.Process().children(recursive=True)]
    seconds = 0.0
    for process in {process.pid: process for process in processes}.values():
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
    return seconds


def report(found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Print what was measured; whether the list came in time."""
    print(f"\nThe Jobs page with {COUNT:,} jobs\n")
    row = found.get(NAME)
    if row is None:
        print("not run")
        return True
    print(f"load {row['load']:.1f}, commit {row['commit']}")
    print(
        f"a window's first answer    {row['answer_s']:.3f} s (slowest {row['slowest_s']:.3f}), "
        f"{row['answer_bytes']:,} bytes"
    )
    if "newest" not in row:
        print("in a browser: not run, there is none here")
        return bool(row["answer_s"] <= LIMIT_S)
    for words, shown in ((f"the newest {NEWEST}", row["newest"]), (f"all {COUNT}", row["all"])):
        print(
            f"in a browser, {words:14} {shown['waited_s']:.2f} s waited, "
            f"{shown['computed_s']:.2f} s of computing by server and browser (limit {LIMIT_S:.0f})"
        )
    return all(row[name]["computed_s"] <= LIMIT_S for name in ("newest", "all"))
