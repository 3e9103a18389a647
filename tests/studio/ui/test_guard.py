"""The guard: every known way in from outside is tried on the real page server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio.ui.guard import TICKET_LIFE_S, Guard, cookie_name, new_ticket, new_token
from tests.studio.ui.serving import PageServer

RUN = "/gradio_api/run/predict"
UPLOAD = "/gradio_api/upload"
CALL = json.dumps({"fn_index": 0, "data": [], "session_hash": "x"}).encode()
FORM = (
    b"--edge\r\nContent-Disposition: form-data; name=files; filename=a.csv\r\n\r\nx\r\n--edge--\r\n"
)
MULTIPART = {"Content-Type": "multipart/form-data; boundary=edge"}
JSON = {"Content-Type": "application/json"}
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


def uploads(pages: PageServer) -> list[str]:
    """What was uploaded so far."""
    return [str(path) for path in pages.home.tmp.rglob("*") if path.is_file()]


# From another website.


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8417", "127.0.0.1", "localhost"])
@pytest.mark.parametrize("path", ["/", "/config", "/whetstone/alive?nonce=1"])
def test_a_name_that_was_made_to_point_here_is_refused(
    pages: PageServer, host: str, path: str
) -> None:
    assert pages.get(path, {"Host": host}).status == 421


def test_a_rebound_name_cannot_call_a_function(pages: PageServer) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example", **JSON}

    assert pages.ask("POST", RUN, headers=headers, body=CALL).status == 421


def test_json_from_another_site_does_not_reach_a_function(pages: PageServer) -> None:
    reply = pages.ask("POST", RUN, headers={**JSON, **EVIL}, body=CALL)

    assert reply.status == 403
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_from_another_site_does_not_reach_a_function(pages: PageServer, kind: str) -> None:
    headers = {"Content-Type": kind, **EVIL}

    assert pages.ask("POST", RUN, headers=headers, body=CALL).status == 403


def test_an_upload_from_another_site_leaves_nothing_on_the_disk(pages: PageServer) -> None:
    before = uploads(pages)

    assert pages.ask("POST", UPLOAD, headers={**MULTIPART, **EVIL}, body=FORM).status == 403
    assert uploads(pages) == before


def test_an_upload_from_the_page_itself_lands_in_the_data_home(pages: PageServer) -> None:
    origin = {"Origin": pages.instance.address.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    before = uploads(pages)

    reply = pages.ask("POST", UPLOAD, headers={**MULTIPART, **origin}, body=FORM)

    assert reply.status == 200
    assert set(json.loads(reply.body)) == set(uploads(pages)) - set(before)


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:1"])
def test_no_other_origin_is_answered_even_where_the_browser_tells_no_more(
    pages: PageServer, origin: str
) -> None:
    assert pages.get("/config", {"Origin": origin}).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_reading_from_another_site_is_refused(pages: PageServer, site: str) -> None:
    assert pages.get("/config", {"Sec-Fetch-Site": site}).status == 403


def test_a_preflight_grants_nothing(pages: PageServer) -> None:
    headers = {**EVIL, "Access-Control-Request-Method": "POST"}

    reply = pages.ask("OPTIONS", RUN, headers=headers)

    assert reply.status == 403
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_a_page_cannot_be_framed_sniffed_or_read_by_others(pages: PageServer) -> None:
    headers = pages.get("/", {"Accept": "text/html"}).headers

    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_page_may_reach_nothing_but_this_server(pages: PageServer) -> None:
    policy = pages.get("/", {"Accept": "text/html"}).headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "http:" not in policy
    assert "https:" not in policy


def test_inline_scripts_run_by_their_hash_only(pages: PageServer) -> None:
    policy = pages.get("/", {"Accept": "text/html"}).headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))

    assert "'unsafe-inline'" not in scripts
    assert scripts.count("'sha256-") >= 3


# From this computer, without the token.


@pytest.mark.parametrize(
    "path",
    ["/", "/jobs", "/config", "/gradio_api/info", "/whetstone/downloads/1.zip", "/theme.css"],
)
def test_without_the_cookie_nothing_is_told(pages: PageServer, path: str) -> None:
    reply = pages.ask("GET", path, with_cookie=False)

    assert reply.status == 401
    assert reply.text == "Open Whetstone from its icon or with: python launch.py"


@pytest.mark.parametrize("token", ["", "wrong", "é", "~~", "9~9~9"])
def test_a_wrong_token_opens_nothing(pages: PageServer, token: str) -> None:
    from urllib.parse import quote

    reply = pages.ask("GET", f"/?token={quote(token)}", with_cookie=False)

    assert reply.status == 401
    assert "set-cookie" not in reply.headers


def test_a_token_in_a_post_opens_nothing(pages: PageServer) -> None:
    path = f"{RUN}?token={pages.instance.token}"

    assert pages.ask("POST", path, headers=JSON, body=CALL, with_cookie=False).status == 401


def test_the_token_becomes_a_cookie_that_scripts_cannot_read_and_leaves_the_address(
    pages: PageServer,
) -> None:
    instance = pages.instance

    reply = pages.ask("GET", f"/jobs?job=3&token={instance.token}", with_cookie=False)

    assert reply.status == 303
    assert reply.headers["location"] == "/jobs?job=3"
    assert reply.headers["set-cookie"] == (
        f"{cookie_name(instance.port)}={instance.token}; HttpOnly; SameSite=Strict; Path=/"
    )


def test_a_ticket_opens_once(pages: PageServer) -> None:
    ticket = new_ticket(pages.instance.token)

    first = pages.ask("GET", f"/?token={ticket}", with_cookie=False)
    second = pages.ask("GET", f"/?token={ticket}", with_cookie=False)

    assert (first.status, second.status) == (303, 401)


def test_the_redirect_leads_to_no_other_host(pages: PageServer) -> None:
    token = pages.instance.token

    for path in ("//evil.example", "/\\evil.example", "///evil.example/x"):
        reply = pages.ask("GET", f"{path}?token={token}", with_cookie=False)
        assert reply.headers["location"].startswith("/")
        assert reply.headers["location"][1:2] not in ("/", "\\")


def test_another_programs_odd_cookies_do_not_lock_the_person_out(pages: PageServer) -> None:
    instance = pages.instance
    odd = f'a="x; {{"b": [1]}}; {cookie_name(instance.port)}={instance.token}; =;'

    reply = pages.ask("GET", "/config", headers={"Cookie": odd}, with_cookie=False)

    assert reply.status == 200


def test_the_check_for_a_running_server_does_not_tell_the_token(pages: PageServer) -> None:
    reply = pages.ask("GET", "/whetstone/alive?nonce=abc", with_cookie=False)

    assert reply.status == 200
    assert pages.instance.token not in reply.text
    assert reply.text == pages.instance.sign_alive("abc")


# Through the server to what it must not give.


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file={home}/studio.db",
        "/gradio_api/file={home}/page.json",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file={home}/tmp/uploads/../../page.json",
        "/gradio_api/file=..%2f..%2f..%2fetc%2fpasswd",
        "/whetstone/fonts/../../pyproject.toml",
        "/whetstone/fonts/..%2f..%2fpyproject.toml",
        "/whetstone/icons/%2e%2e/%2e%2e/pyproject.toml",
        "/static/../../../routes.py",
        "/assets/..%2f..%2f..%2froutes.py",
    ],
)
def test_no_path_leads_to_a_file_that_is_not_the_pages(pages: PageServer, path: str) -> None:
    reply = pages.get(path.format(home=pages.home.folder))

    assert reply.status in (400, 403, 404), reply.text[:200]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:22/", "http://169.254.169.254/latest", "https://x.hf.space/", "file:///etc"],
)
def test_the_server_fetches_nothing_for_others(pages: PageServer, url: str) -> None:
    assert pages.get(f"/gradio_api/proxy={url}").status in (400, 403, 404)
    assert pages.get(f"/gradio_api/file={url}").status in (400, 403, 404)


@pytest.mark.parametrize(
    "path",
    ["/docs", "/redoc", "/openapi.json", "/monitoring", "/gradio_api/mcp/", "/gradio_api/runs"],
)
def test_what_the_pages_do_without_is_not_there(pages: PageServer, path: str) -> None:
    assert pages.get(path).status in (403, 404)


# The tickets' own rules, with a clock in the test's hand.


def opening_with(ticket: str, token: str, now: float) -> int:
    """The status that a guard of that token gives to a page opened with the ticket at `now`."""
    import asyncio

    statuses = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nothing gets through to the pages")

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    guard = Guard(app, port=80, token=token, clock=lambda: now)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": f"token={ticket}".encode(),
        "headers": [(b"host", b"127.0.0.1:80")],
    }
    asyncio.run(guard(scope, send, send))  # type: ignore[arg-type]
    return int(statuses[0])


@pytest.mark.parametrize(
    ("later_s", "status"),
    [(0.0, 303), (TICKET_LIFE_S - 1, 303), (TICKET_LIFE_S + 1, 401), (-5, 401)],
)
def test_a_ticket_is_good_for_two_minutes(later_s: float, status: int) -> None:
    token = new_token()

    assert opening_with(new_ticket(token, now=1000.0), token, 1000.0 + later_s) == status


def test_a_ticket_of_another_token_or_with_another_end_is_refused() -> None:
    token = new_token()
    end, rest = new_ticket(token, now=1000.0).split("~", 1)

    assert opening_with(new_ticket(new_token(), now=1000.0), token, 1000.0) == 401
    assert opening_with(f"{float(end) + 60:.3f}~{rest}", token, 1000.0) == 401
