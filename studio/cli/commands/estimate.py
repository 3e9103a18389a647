"""`estimate SPEC`: parameters, memory, time and whether it fits, before anything is started."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from studio.cli.command import Command
from studio.cli.output import Output, in_gigabytes
from studio.errors import NotBuilt
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker.client import Worker


def arguments(parser: argparse.ArgumentParser) -> None:
    """The spec, a pretended memory, and the search for a plan that fits."""
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument(
        "--memory", type=int, metavar="BYTES", help="judge against this much memory instead"
    )
    parser.add_argument("--fit", action="store_true", help="search for settings that fit")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Ask the model worker. Exit 0 also when the verdict is that it does not fit."""
    if options.fit:
        raise NotBuilt("The search for settings that fit (--fit) is not built yet.")
    spec = TrainSpec.load(options.spec)
    worker = Worker(home.prepare())
    try:
        document = worker.estimate(spec, memory_bytes=options.memory)
    finally:
        worker.stop()
    output.result(document, _words(document))
    return 0


def _words(document: dict[str, Any]) -> str:
    parameters, memory, time = document["parameters"], document["memory"], document["time"]
    share = parameters["trainable"] / parameters["total"]
    lines = [
        f"Trainable parameters: {parameters['trainable']:,} of {parameters['total']:,} ({share:.2%})",
        f"Memory at its peak:   {in_gigabytes(memory['peak_bytes'])} ({memory['certainty']}; "
        f"{in_gigabytes(memory['low_bytes'])} to {in_gigabytes(memory['high_bytes'])})",
        *(
            f"  {name:<13} {in_gigabytes(count)}"
            for name, count in memory["parts"].items()
            if count
        ),
    ]
    if time:
        lines.append(
            f"Time:                 {time['low'] / 60:.0f} to {time['high'] / 60:.0f} minutes"
        )
    return "\n".join([*lines, document["verdict"]["words"]])


COMMAND = Command("say what a training needs before it starts", arguments, run)
