"""The page server: one a home, on 127.0.0.1, answering at once and with the pages a few seconds later."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from studio import libraries
from studio.settings import Home
from studio.ui import instance as instances
from studio.ui import window
from studio.ui.backstage import upload_folder
from studio.ui.door import Door
from studio.ui.failure import words_of
from studio.ui.guard import Guard
from studio.ui.instance import ALIVE_PATH, Instance

# Variables that switch on what the pages do without, or that change where Gradio listens and reads.
SWITCHES = ("SPACE_ID", "SPACE_HOST", "SYSTEM", "KAGGLE_KERNEL_RUN_TYPE")
SWITCH_PREFIXES = ("GRADIO_", "OAUTH_")


def main(home: Home, *, port: int | None = None, open_window: bool = True) -> int:
    """Run the page server until it is stopped; a second start shows the first and ends at once.

    Returns the exit code. Raises StudioError when the home, a port or the first server is unusable.
    """
    home.prepare()
    held = instances.lock(home)
    if held is None:
        _show(instances.find(home), open_window)
        return 0
    with held:
        listening, instance = instances.take_port(home, port)
        _show(instance, open_window)
        try:
            return _serve(home, instance, listening)
        except KeyboardInterrupt:
            return 0


def _show(instance: Instance, wanted: bool) -> None:
    """Open the window, or tell the address where there is none to open."""
    if wanted and window.open_window(instance.address_with_ticket()):
        print(f"Whetstone is open in its window ({instance.address}).", file=sys.stderr)
    else:
        print(f"Whetstone: {instance.address_with_token()}", file=sys.stderr)
    sys.stderr.flush()


def _serve(home: Home, instance: Instance, listening: socket.socket) -> int:
    """Answer on the socket until a signal; the pages are built meanwhile in a thread."""
    door = Door(instance)
    guarded = Guard(door, port=instance.port, token=instance.token, open_paths=[ALIVE_PATH])
    server = uvicorn.Server(
        uvicorn.Config(
            guarded,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            # Each open window holds a stream that never ends by itself.
            timeout_graceful_shutdown=1,
        )
    )
    return asyncio.run(_run(server, listening, door, home))


async def _run(server: uvicorn.Server, listening: socket.socket, door: Door, home: Home) -> int:
    """The server and, beside it, the building of the pages."""
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    async with contextlib.AsyncExitStack() as stack:
        try:
            pages = await asyncio.to_thread(_build, home)
            # The splash's server runs no lifespan, so the pages' own is entered here.
            await stack.enter_async_context(pages.router.lifespan_context(pages))
            door.pages = pages
        except Exception as error:  # noqa: BLE001  the page boundary: the window shows it
            door.failure = words_of(error)
            print(door.failure, file=sys.stderr)
        await serving
    return 1 if door.failure else 0


def _build(home: Home) -> Any:
    """The pages as an ASGI program. Importing Gradio takes seconds, so it happens here only."""
    with _quiet_environment(home), libraries.importing():
        from studio.ui.app import asgi

        return asgi(home)


@contextlib.contextmanager
def _quiet_environment(home: Home) -> Iterator[None]:
    """Import Gradio with everything off that would reach out, or that a variable could switch on.

    The switches stay off for this process's life. The Hub's are put back afterwards: the libraries
    read them at import, and the tasks that this process starts may fetch models.
    """
    for name in list(os.environ):
        if name in SWITCHES or name.startswith(SWITCH_PREFIXES):
            del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder(home))
    hub = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    before = {name: os.environ.get(name) for name in hub}
    os.environ.update(hub)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
