"""One page server a home: its lock, its port and token (kept for the next start), and how to find it."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from jobs import durable
from studio.errors import StudioError
from studio.settings import Home
from studio.ui.guard import new_ticket, new_token, sign

PREFERRED_PORT = 8417
PORTS_TRIED = 100
ALIVE_PATH = "/whetstone/alive"
FIND_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Instance:
    """Where a home's page server answers, and the secret that opens it."""

    port: int
    token: str
    pid: int

    @property
    def address(self) -> str:
        """The page's address without a secret; opens only in a browser that has the cookie."""
        return f"http://127.0.0.1:{self.port}/"

    def address_with_token(self) -> str:
        """The address to show to the person: good as long as the home's token is."""
        return f"{self.address}?token={self.token}"

    def address_with_ticket(self) -> str:
        """The address to start a browser with: good once, for two minutes."""
        return f"{self.address}?token={new_ticket(self.token)}"

    def is_alive(self, timeout_s: float = 2.0) -> bool:
        """Whether the server on the port answers and knows the token, which is not told to it."""
        nonce = secrets.token_urlsafe(16)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request("GET", f"{ALIVE_PATH}?nonce={nonce}")
            response = connection.getresponse()
            answer = response.read(200).decode("latin-1").strip()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return response.status == 200 and secrets.compare_digest(answer, self.sign_alive(nonce))

    def sign_alive(self, nonce: str) -> str:
        """The answer to an `ALIVE_PATH` question, which only a holder of the token can give."""
        return sign(self.token, "alive", nonce)


def instance_file(home: Home) -> Path:
    """Where a home's instance is written down; readable by its owner only."""
    return home.folder / "page.json"


def lock(home: Home) -> FileLock | None:
    """The lock of the home's page server, held; None where another process holds it.

    The system lets go of it when the process ends, however it ends.
    """
    held = FileLock(home.folder / "page.lock", mode=0o600)
    try:
        held.acquire(blocking=False)
    except Timeout:
        return None
    return held


def read(home: Home) -> Instance | None:
    """The instance written down last, alive or not; None where there is none or it is torn."""
    try:
        value: Any = json.loads(instance_file(home).read_text(encoding="utf-8"))
        return Instance(int(value["port"]), str(value["token"]), int(value["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(home: Home, instance: Instance) -> None:
    """Write the instance down for the next start and for second starts."""
    # Nobody else may read it, not even between its making and a later change of its rights.
    previous_mask = os.umask(0o077)
    try:
        durable.write_json(instance_file(home), asdict(instance))
    finally:
        os.umask(previous_mask)


def find(home: Home, timeout_s: float = FIND_TIMEOUT_S) -> Instance:
    """The instance that holds the lock, once it answers.

    Raises StudioError when it does not answer in time.
    """
    end = time.monotonic() + timeout_s
    while True:
        instance = read(home)
        if instance is not None and instance.is_alive():
            return instance
        if time.monotonic() > end:
            pid = f" (process {instance.pid})" if instance is not None else ""
            raise StudioError(
                f"Whetstone is open already{pid} but does not answer. "
                "End that program, then start it again.",
                code="page_hangs",
            )
        time.sleep(0.2)


def take_port(home: Home, wanted: int | None) -> tuple[socket.socket, Instance]:
    """A listening socket on 127.0.0.1 and the instance it belongs to, written down.

    `wanted` None: the port of last time, so that an open window finds its server again, else the
    first free one from PREFERRED_PORT up. Raises StudioError when the wanted port, or all, are taken.
    """
    last = read(home)
    if wanted is not None:
        listening = _listen(wanted)
        if listening is None:
            raise StudioError(
                f"Port {wanted} is taken by another program. Choose another with --port, or leave "
                "the option out: a free one is found then.",
                code="port_taken",
            )
    else:
        listening = _first_free(last.port if last is not None else PREFERRED_PORT)
    port = listening.getsockname()[1]
    # A window left open tells its cookie to whoever has its port now: on a new port, a new token.
    token = last.token if last is not None and last.port == port else new_token()
    instance = Instance(port, token, os.getpid())
    write(home, instance)
    return listening, instance


def _first_free(first: int) -> socket.socket:
    """A listening socket on the first free port: `first`, then from PREFERRED_PORT up."""
    for port in (first, *range(PREFERRED_PORT, PREFERRED_PORT + PORTS_TRIED)):
        listening = _listen(port)
        if listening is not None:
            return listening
    raise StudioError(
        f"No free port was found from {PREFERRED_PORT} to {PREFERRED_PORT + PORTS_TRIED - 1}. "
        "Choose one with --port.",
        code="port_taken",
    )


def _listen(port: int) -> socket.socket | None:
    """A socket that listens on 127.0.0.1, or None where the port is taken or not allowed."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        # A port just left by a killed server is free at once. On Windows the same option would
        # let two programs share a port.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except (OSError, OverflowError):
        listening.close()
        return None
    return listening
