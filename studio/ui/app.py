"""The pages put together as one Gradio program, and that program as ASGI."""

from __future__ import annotations

import threading
import warnings

import fastapi
import gradio as gr
from starlette.staticfiles import StaticFiles

from studio.settings import ASSETS, Home
from studio.ui import downloads
from studio.ui.backstage import Backstage
from studio.ui.frame import frame
from studio.ui.pages import PAGES
from studio.ui.theme import Whetstone

STYLES = ("fonts.css", "studio.css")
MAX_UPLOAD_BYTES = 20 * 2**30


def asgi(home: Home) -> fastapi.FastAPI:
    """The whole program. Everything that a variable could switch on is given here."""
    backstage = Backstage(home)
    # Beside the making of the pages, which nothing should hold up.
    threading.Thread(target=backstage.resume, daemon=True).start()
    outer = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for folder in ("fonts", "icons", "samples"):
        outer.mount(f"/whetstone/{folder}", StaticFiles(directory=ASSETS / folder))
    outer.mount("/whetstone/downloads", downloads.asgi(backstage))
    with warnings.catch_warnings():
        # It warns that several pages rule out rendering on the server, which is off anyway.
        warnings.filterwarnings("ignore", message="SSR mode")
        _mount(outer, backstage)
    return outer


def _mount(outer: fastapi.FastAPI, backstage: Backstage) -> None:
    home = backstage.home
    gr.mount_gradio_app(
        outer,
        build(backstage),
        path="/",
        server_name="127.0.0.1",
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        root_path="",
        footer_links=[],
        run_history=False,
        # Files leave through downloads.py only; Gradio is to serve nothing but its own.
        allowed_paths=[],
        blocked_paths=[str(path) for path in (home.database, home.runs, home.models)],
        show_error=True,
        max_file_size=MAX_UPLOAD_BYTES,
        favicon_path=str(ASSETS / "icons" / "whetstone.png"),
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        theme=Whetstone(),
        css_paths=[ASSETS / "css" / name for name in STYLES],
    )


def build(backstage: Backstage) -> gr.Blocks:
    """The pages as Gradio routes, each in the same frame."""
    first, *others = PAGES
    with gr.Blocks(title="Whetstone", analytics_enabled=False, fill_width=True) as blocks:
        frame(first)
        first.build(backstage)
    for page in others:
        with blocks.route(page.title, page.path):
            frame(page)
            page.build(backstage)
    blocks.queue(api_open=False, default_concurrency_limit=8)
    return blocks
