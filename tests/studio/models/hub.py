"""A stand-in for the Hugging Face Hub on 127.0.0.1, which real huggingface_hub talks to."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_ASKED = re.compile(rf"/api/(?:models|datasets)/owner/tiny(?:/revision/{COMMIT})?")


@dataclass
class StandIn:
    """One repository, `owner/tiny`, with the files of a folder; what was asked for is noted.

    `refusal` is (status, error code) for every file and question; `stall_at` stops sending large
    files there, for as long as it is set; `damaged` changes one byte of what is sent.
    """

    folder: Path
    address: str = ""
    refusal: tuple[int, str] | None = None
    gated_files: bool = False
    stall_at: int | None = None
    damaged: bool = False
    ranges: list[tuple[str, str | None]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def listing(self) -> dict[str, Any]:
        """The answer of `/api/models/owner/tiny`, and of the dataset of that name."""
        siblings = []
        for path in sorted(each for each in self.folder.rglob("*") if each.is_file()):
            content = path.read_bytes()
            blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
            entry: dict[str, Any] = {
                "rfilename": path.relative_to(self.folder).as_posix(),
                "size": len(content),
                "blobId": blob,
            }
            if path.suffix in (".safetensors", ".bin"):
                sha256 = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
            siblings.append(entry)
        card = {"license": "mit"}
        return {"id": "owner/tiny", "sha": COMMIT, "siblings": siblings, "cardData": card}


@contextmanager
def serving(folder: Path) -> Iterator[StandIn]:
    """A running stand-in for the model in `folder`."""
    hub = StandIn(folder)

    class Handler(_Handler):
        standin = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.stopped.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    standin: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self.standin.refusal is not None:
            self._refuse(*self.standin.refusal)
        elif _ASKED.fullmatch(path):
            self._send(200, json.dumps(self.standin.listing()).encode())
        elif path.startswith(("/api/models/owner/tiny/rev", "/api/datasets/owner/tiny/rev")):
            self._refuse(404, "RevisionNotFound")
        elif f"/owner/tiny/resolve/{COMMIT}/" in path:
            self._send_file(self.standin.folder / path.partition(f"/resolve/{COMMIT}/")[2])
        else:
            self._refuse(404, "RepoNotFound")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test's output is for its failures."""

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

    def _send_file(self, path: Path) -> None:
        if self.standin.gated_files:
            return self._refuse(403, "GatedRepo")
        asked = self.headers.get("Range")
        self.standin.ranges.append((path.name, asked))
        content = bytearray(path.read_bytes())
        if self.standin.damaged:
            content[-1] ^= 1
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        where = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self._send(206 if asked else 200, bytes(content[start:]), where if asked else {})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        stall_at = self.standin.stall_at
        if stall_at is not None and len(body) > stall_at:
            self.wfile.write(body[:stall_at])
            self.wfile.flush()
            self.standin.stopped.wait(60)
            return
        self.wfile.write(body)
