"""`open` (or no command at all): start what is needed and open the window."""

from __future__ import annotations

import argparse

from studio.cli.command import Command
from studio.cli.output import Output
from studio.settings import Home


def arguments(parser: argparse.ArgumentParser) -> None:
    """The port, and whether a window is wanted."""
    parser.add_argument(
        "--port", type=int, help="the port of the page server (default: a free one)"
    )
    parser.add_argument("--no-window", action="store_true", help="print the address instead")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Serve the pages until the window's program is stopped; a second start raises the first."""
    # gradio takes seconds to import, which no other command should wait for.
    from studio.ui import server

    no_window = getattr(options, "no_window", False)
    return server.main(
        home.prepare(), port=getattr(options, "port", None), open_window=not no_window
    )


COMMAND = Command("open the window (the same as no command)", arguments, run)
