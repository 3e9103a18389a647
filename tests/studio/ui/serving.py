"""A real page server in a process of its own, and raw requests to it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from studio.settings import Home
from studio.ui import instance as instances
from studio.ui.guard import cookie_name
from studio.ui.instance import Instance

ROOT = Path(__file__).resolve().parents[3]
START = """
import pathlib, sys
from studio.settings import Home
from studio.ui.server import main
port = int(sys.argv[2]) if len(sys.argv) > 2 else None
sys.exit(main(Home(pathlib.Path(sys.argv[1])), port=port, open_window=False))
"""
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Reply:
    """What came back: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class PageServer:
    """`python -m studio open --no-window` on a home of the test's own."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        variables: dict[str, str] | None = None,
        script: str = START,
    ) -> None:
        self.home = Home(home)
        self.script = script
        self.arguments = arguments
        self.variables = {**os.environ, "STUDIO_NO_WINDOW": "1", **(variables or {})}
        self.process: subprocess.Popen[str] | None = None
        self.started_at = 0.0

    def start(self, *, wait: bool = True) -> PageServer:
        """Start it, and wait until the pages answer."""
        command = [sys.executable, "-c", self.script, str(self.home.folder)]
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [*command, *self.arguments],
            cwd=ROOT,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        """Wait until the pages, not only the splash, answer."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the page server ended: {self.words()}")
            if self.instance_or_none() is not None and self._is_up():
                return
            time.sleep(0.1)
        raise AssertionError("the pages did not come up")

    def _is_up(self) -> bool:
        try:
            reply = self.get("/config")
        except (OSError, http.client.HTTPException):
            return False
        return reply.status == 200

    def instance_or_none(self) -> Instance | None:
        """Where this very process answers, once it has written it down."""
        found = instances.read(self.home)
        mine = self.process is not None and found is not None and found.pid == self.process.pid
        return found if mine else None

    @property
    def instance(self) -> Instance:
        """Where it answers."""
        found = instances.read(self.home)
        assert found is not None
        return found

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        """A GET by one who has the cookie."""
        return self.ask("GET", path, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        with_cookie: bool = True,
    ) -> Reply:
        """One request exactly as given; no redirect is followed."""
        port = self.instance.port
        sent = {"Host": f"127.0.0.1:{port}", **(headers or {})}
        if with_cookie:
            sent["Cookie"] = f"{cookie_name(port)}={self.instance.token}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, response.read())
        finally:
            connection.close()

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """End it as Ctrl+C does; gives the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            if os.name == "nt":
                self.process.terminate()
            else:
                self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def words(self) -> str:
        """Everything it said, once it has ended."""
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def end_everything(self) -> None:
        """Kill the server and whatever else works on this home."""
        self.kill()
        for process in self.processes(""):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue

    def processes(self, words: str) -> list[psutil.Process]:
        """The processes that work on this home and have `words` in their command."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = " ".join(process.info["cmdline"] or [])
            if str(self.home.folder) in command and words in command:
                found.append(process)
        return found
