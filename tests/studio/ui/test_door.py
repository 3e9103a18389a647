"""The door: a splash from the first moment on, the pages as soon as they are built."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.ui.door import Door
from studio.ui.instance import ALIVE_PATH, Instance

PAGE = {"accept": "text/html"}


def door() -> Door:
    """A door with nothing behind it yet."""
    return Door(Instance(80, "token", 1))


def test_a_page_shows_the_splash_while_the_pages_are_built() -> None:
    reply = TestClient(door()).get("/jobs", headers=PAGE)

    assert reply.status_code == 200
    assert reply.headers["x-whetstone"] == "splash"
    assert "Starting…" in reply.text


def test_an_open_tab_that_asks_for_data_meanwhile_is_told_to_come_again() -> None:
    reply = TestClient(door()).post("/gradio_api/run/predict", json={})

    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"


def test_the_pages_answer_once_they_are_there() -> None:
    opened = door()
    opened.pages = Starlette(routes=[Route("/", lambda request: PlainTextResponse("pages"))])

    reply = TestClient(opened).get("/", headers=PAGE)

    assert reply.text == "pages"
    assert "x-whetstone" not in reply.headers


def test_what_kept_the_pages_from_coming_up_is_shown_as_text() -> None:
    failed = door()
    failed.failure = "The disk is <full>."

    reply = TestClient(failed).get("/", headers=PAGE)

    assert "The disk is &lt;full&gt;." in reply.text
    assert 'data-state="failed"' in reply.text


def test_the_alive_question_is_answered_before_and_after() -> None:
    for pages in (None, Starlette()):
        opened = door()
        opened.pages = pages
        reply = TestClient(opened).get(f"{ALIVE_PATH}?nonce=n")
        assert reply.text == opened.instance.sign_alive("n")
