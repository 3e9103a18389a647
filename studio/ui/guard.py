"""The guard before every page: who may speak to this server, from where, and what a page may load.

A server on 127.0.0.1 is not safe by itself. Any website can send requests to it through the person's
browser (cross-site requests), can make its own name point to 127.0.0.1 (DNS rebinding), can put the
page into a frame, and any other user of the computer can open it. The guard closes these ways.

What it leaves open: cookies know no ports, so a server that another program runs on this computer sees
the cookie when the person opens it in the same browser. A program of the same user can read the token
from the data home anyway.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, quote, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TICKET_LIFE_S = 120.0

# A person reads this when a page is opened without the cookie, e.g. from a bookmark.
NO_TOKEN = "Open Whetstone from its icon or with: python launch.py"
WRONG_HOST = "This address is not Whetstone's."
CROSS_SITE = "Another website asked for this; Whetstone answers only its own pages."

HEADERS = {
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

POLICY = (
    "default-src 'none'",
    # 'unsafe-eval': Gradio compiles the `js=` of an event and the templates of gr.HTML with
    # `new Function`. Inline scripts run only by their hash, so text that reached a page cannot run.
    "script-src 'self' 'unsafe-eval'{hashes}",
    # 'unsafe-inline': Svelte sets style attributes, and Gradio adds the theme as a <style> element.
    "style-src 'self' 'unsafe-inline'",
    # data: icons that stand inside style sheets.
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


class Guard:
    """ASGI middleware: Host and Origin lists, launch token or ticket to cookie, security headers.

    `open_paths` answer without the cookie (the check whether a server is this home's own).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        port: int,
        token: str,
        open_paths: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app = app
        self.token = token
        self.cookie = cookie_name(port)
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.open_paths = frozenset(open_paths)
        self.clock = clock
        self._used_tickets: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = _Headers(scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, send)
            return
        await self.app(_uncompressed(scope), receive, _Sealed(send))

    def _refusal(self, scope: Scope, headers: _Headers) -> _Answer | None:
        """The answer that keeps this request out, or None to let it in."""
        hosts = headers.all("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return _Answer(421, WRONG_HOST)
        origin = headers.one("origin")
        if origin is not None and origin.lower() != f"http://{hosts[0].lower()}":
            return _Answer(403, CROSS_SITE)
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        if scope["type"] == "http" and scope["method"] == "GET" and "token" in dict(query):
            # Before the check of the site: a link in a terminal or mail program is an opening, too.
            return self._opened(scope, headers, query)
        if headers.one("sec-fetch-site") not in (None, "same-origin", "none"):
            return _Answer(403, CROSS_SITE)
        if scope["path"] in self.open_paths or self._has_cookie(headers):
            return None
        return _Answer(401, NO_TOKEN)

    def _opened(self, scope: Scope, headers: _Headers, query: list[tuple[str, str]]) -> _Answer:
        """A page opened with a token or ticket: the cookie, and the address again without the secret."""
        if headers.one("sec-fetch-dest") not in (None, "document"):
            return _Answer(403, CROSS_SITE)
        given = dict(query)["token"]
        if not (self._is_token(given) or self._redeem(given) or self._has_cookie(headers)):
            return _Answer(401, NO_TOKEN)
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # One slash only: `//name` would lead the browser to another host.
        place = "/" + quote(scope["path"].lstrip("/\\")) + (f"?{rest}" if rest else "")
        cookie = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
        return _Answer(303, "", {b"location": place.encode(), b"set-cookie": cookie.encode()})

    def _has_cookie(self, headers: _Headers) -> bool:
        return any(self._is_token(value) for value in headers.cookies(self.cookie))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _redeem(self, ticket: str) -> bool:
        """Whether the ticket is genuine, fresh, and shown for the first time."""
        now = self.clock()
        self._used_tickets = {used: end for used, end in self._used_tickets.items() if end > now}
        end = _ticket_end(ticket, self.token)
        if end is None or not now < end <= now + TICKET_LIFE_S or ticket in self._used_tickets:
            return False
        self._used_tickets[ticket] = end
        return True


def cookie_name(port: int) -> str:
    """Cookies know no ports: two homes open at once need two names."""
    return f"whetstone-{port}"


def new_token() -> str:
    """A fresh launch token: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_ticket(token: str, now: float | None = None) -> str:
    """A pass for one opening within two minutes, made from the token without telling it.

    The address that a browser is started with can be read by every user of the computer in the list
    of processes; a ticket found there is used already.
    """
    end = (time.time() if now is None else now) + TICKET_LIFE_S
    body = f"{end:.3f}~{secrets.token_urlsafe(12)}"
    return f"{body}~{sign(token, 'ticket', body)}"


def sign(token: str, purpose: str, words: str) -> str:
    """An HMAC-SHA256 of `words` under the token, in hex; `purpose` keeps uses apart."""
    return hmac.new(token.encode(), f"{purpose}:{words}".encode(), hashlib.sha256).hexdigest()


def _ticket_end(ticket: str, token: str) -> float | None:
    """When the ticket ends, or None where the token did not make it."""
    body, _, signature = ticket.rpartition("~")
    if not hmac.compare_digest(signature.encode(), sign(token, "ticket", body).encode()):
        return None
    return float(body.partition("~")[0])


class _Headers:
    """A request's headers, with every copy of a name."""

    def __init__(self, scope: Scope) -> None:
        self.pairs = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        # Two different answers to one question are no answer: joined, they match nothing allowed.
        return ",".join(values) if values else None

    def cookies(self, name: str) -> list[str]:
        """The cookie's values. Read by hand: http.cookies stops at the first odd cookie of a neighbour."""
        parts = [part.strip() for line in self.all("cookie") for part in line.split(";")]
        return [value for key, _, value in (part.partition("=") for part in parts) if key == name]


class _Answer:
    """A short answer of the guard's own."""

    def __init__(self, status: int, words: str, headers: dict[bytes, bytes] | None = None) -> None:
        self.status = status
        self.words = words
        self.headers = headers or {}

    async def __call__(self, scope: Scope, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {
            **HEADERS,
            b"content-type": b"text/plain; charset=utf-8",
            b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
            b"cache-control": b"no-store",
            **self.headers,
        }
        start = {"type": "http.response.start", "status": self.status}
        await send({**start, "headers": list(headers.items())})
        await send({"type": "http.response.body", "body": self.words.encode()})


class _Sealed:
    """A `send` that adds the security headers; it holds a page back until its scripts are hashed."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.held_start: Message | None = None
        self.held_body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = _sealed_headers(message.get("headers", ()))
            if _is_html(message["headers"]):
                self.held_start = message
                return
            message["headers"].append((b"content-security-policy", _policy(b"")))
        if self.held_start is not None and message["type"] == "http.response.body":
            await self._hold(self.held_start, message)
            return
        await self.send(message)

    async def _hold(self, start: Message, message: Message) -> None:
        self.held_body += message.get("body", b"")
        if message.get("more_body", False):
            return
        start["headers"].append((b"content-security-policy", _policy(self.held_body)))
        self.held_start = None
        await self.send(start)
        await self.send({"type": "http.response.body", "body": self.held_body})


def _sealed_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The response's headers without any that would open it to other sites, and with ours."""
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in HEADERS
        and name.lower() != b"content-security-policy"
        and not name.lower().startswith(b"access-control-")
    ]
    return kept + list(HEADERS.items())


def _is_html(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(
        name.lower() == b"content-type" and value.lower().startswith(b"text/html")
        for name, value in headers
    )


def _policy(page: bytes) -> bytes:
    """The content policy of a page, with the hash of every script that stands in it."""
    # A browser turns CRLF into LF before it hashes.
    scripts = _INLINE_SCRIPT.findall(page.replace(b"\r\n", b"\n"))
    digests = [hashlib.sha256(body).digest() for body in scripts]
    hashes = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return "; ".join(POLICY).format(hashes=hashes).encode()


def _uncompressed(scope: Scope) -> Scope:
    """The request without its wish for compression: on one computer it costs more than it saves,
    and scripts are hashed as the browser reads them."""
    headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
    return {**scope, "headers": headers}
