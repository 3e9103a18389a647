"""An open window without a browser: asks the page server as the window's timer does."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.studio.ui.serving import PageServer

RUN = "/gradio_api/run/predict"


class Window:
    """One window at a page (`jobs`), which carries what it was told to its next look."""

    def __init__(self, server: PageServer, page: str) -> None:
        self._server = server
        self._session = uuid.uuid4().hex
        self._cursor: Any = None
        config = json.loads(server.get("/config").body)
        timers = {each["id"] for each in config["components"] if each["type"] == "timer"}
        mine = set(config["page"][page]["dependencies"])
        (self._tick,) = (
            each["id"]
            for each in config["dependencies"]
            if each["id"] in mine and any(target[0] in timers for target in each["targets"])
        )

    def look(self, words: str = "") -> str:
        """One tick of the page's timer; gives the server's whole answer."""
        asked = {
            "fn_index": self._tick,
            "data": [self._cursor, words],
            "session_hash": self._session,
        }
        reply = self._server.ask(
            "POST",
            RUN,
            headers={"Content-Type": "application/json", "Origin": self._origin},
            body=json.dumps(asked).encode(),
        )
        assert reply.status == 200, reply.text
        self._cursor = json.loads(reply.body)["data"][-1]
        return reply.text

    @property
    def _origin(self) -> str:
        return self._server.instance.address.rstrip("/")
