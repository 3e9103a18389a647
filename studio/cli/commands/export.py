"""`export ID`: a trained run leaves the studio, verified."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jobs.models import JobState
from studio.cli.command import Command
from studio.cli.exits import exit_code
from studio.cli.output import Output, in_gigabytes
from studio.errors import AskedWrongly, StudioError
from studio.formats import FORMATS
from studio.orders import Orders
from studio.settings import Home


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, in which format, where to, and the format's settings."""
    parser.add_argument("id", type=int, metavar="ID")
    parser.add_argument("--format", required=True, choices=list(FORMATS))
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="e.g. --set dtype=bf16"
    )


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Queue the export and wait for it."""
    orders = Orders(home)
    out = options.out.expanduser().absolute()
    job = orders.export(options.id, options.format, _settings(options.set), out)
    ended = orders.queue.wait(job.id, on_text=output.follow)
    if ended.state != JobState.SUCCEEDED or ended.result is None:
        words = ended.error or f"The export ended as '{ended.state.value}'."
        output.error(StudioError(words, code=ended.error_code or ended.state.value))
        return exit_code(ended.state)
    output.result(ended.result, export_words(ended.result))
    return 0


def export_words(result: dict[str, Any]) -> str:
    """An export in one line."""
    size = in_gigabytes(sum(file["bytes"] for file in result["files"]))
    checked = "verified" if result["verified"] else "NOT verified"
    return f"{result['format']}: {result['path']} ({size}, {checked})"


def _settings(choices: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for choice in choices:
        name, equals, value = choice.partition("=")
        if not (name and equals):
            raise AskedWrongly(f"--set takes NAME=VALUE; found '{choice}'.", code="usage")
        try:
            settings[name] = float(value)
        except ValueError:
            settings[name] = value
    return settings


COMMAND = Command("export a finished training, checked by loading it again", arguments, run)
