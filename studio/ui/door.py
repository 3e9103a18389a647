"""The door: answers from the first moment on, with a splash until the pages are built behind it."""

from __future__ import annotations

import html
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.settings import ASSETS
from studio.ui.instance import ALIVE_PATH, Instance

STARTING = "Starting…"
STARTING_MORE = "This takes a few seconds."
FAILED = "Whetstone could not start"


class Door:
    """ASGI: `ALIVE_PATH` at once, the splash while `pages` is None, then the pages."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.pages: ASGIApp | None = None
        self.failure: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == ALIVE_PATH:
            await self._alive(scope)(scope, receive, send)
        elif self.pages is not None:
            await self.pages(scope, receive, send)
        elif scope["type"] == "http":
            await self._splash(scope)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1013})

    def _alive(self, scope: Scope) -> Response:
        nonce = parse_qs(scope["query_string"].decode("latin-1")).get("nonce", [""])[0]
        return PlainTextResponse(self.instance.sign_alive(nonce))

    def _splash(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD") or not _wants_page(scope):
            # An open tab of an earlier start asks for its data: it tries again by itself.
            return PlainTextResponse(STARTING, 503, headers={"retry-after": "1"})
        title, words = (FAILED, self.failure) if self.failure else (STARTING, STARTING_MORE)
        page = (ASSETS / "css" / "splash.html").read_text(encoding="utf-8")
        page = page.replace("{title}", html.escape(title)).replace("{words}", html.escape(words))
        page = page.replace("{state}", "failed" if self.failure else "starting")
        # The splash's own script asks for this header to learn whether the pages are there.
        return HTMLResponse(page, headers={"x-whetstone": "splash", "cache-control": "no-store"})


def _wants_page(scope: Scope) -> bool:
    accepted = [value for name, value in scope["headers"] if name == b"accept"]
    return any(b"text/html" in value for value in accepted)
