"""How long until a page answers, against a bare Gradio hello-world on the same machine, in turns."""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.measured import commit
from tests.studio.ui.serving import PageServer

RUNS = 5
LIMIT = 3.0
HELLO = """
import gradio, sys
with gradio.Blocks() as blocks:
    gradio.Markdown("Hello")
blocks.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), share=False, quiet=True)
"""
HELLO_PORT = 8391


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table; 0 where the page comes within three times the hello-world's time."""
    runs = int(arguments[0]) if arguments else RUNS
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        # The first start makes the database and fills the disk's cache: from the second one on counts.
        page_s(home)
        hello_s()
        pairs = [(hello_s(), *page_s(home)) for _ in range(runs)]
    hello, page, splash = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = page / hello
    print(f"{'':26}{'median':>9}{'least':>9}{'most':>9}")
    for name, place in (
        ("bare gradio hello-world", 0),
        ("the studio's page", 1),
        ("its splash", 2),
    ):
        column = [pair[place] for pair in pairs]
        median = statistics.median(column)
        print(f"{name:26}{median:8.2f}s{min(column):8.2f}s{max(column):8.2f}s")
    print(
        f"page / hello-world: {ratio:.2f} (limit {LIMIT:.0f}); splash {splash:.2f} s; {runs} runs each"
    )
    print(f"commit {commit()}, gradio {version('gradio')}, Python {sys.version.split()[0]}")
    return 0 if ratio <= LIMIT else 1


def page_s(home: Path) -> tuple[float, float]:
    """Seconds from the start of the page server to its page, and to its splash."""
    server = PageServer(home)
    server.start(wait=False)
    splash = 0.0
    try:
        while True:
            time.sleep(0.01)
            if server.instance_or_none() is None:
                continue
            try:
                reply = server.get("/", {"Accept": "text/html"})
            except (OSError, http.client.HTTPException):
                continue
            splash = splash or time.monotonic() - server.started_at
            if reply.status == 200 and "x-whetstone" not in reply.headers:
                return time.monotonic() - server.started_at, splash
    finally:
        server.kill()


def hello_s() -> float:
    """Seconds from the start of a bare Gradio program to its page."""
    started_at = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", HELLO, str(HELLO_PORT)])
    try:
        while True:
            time.sleep(0.01)
            connection = http.client.HTTPConnection("127.0.0.1", HELLO_PORT, timeout=30)
            try:
                connection.request("GET", "/")
                if connection.getresponse().status == 200:
                    return time.monotonic() - started_at
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
