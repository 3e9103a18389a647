"""`evaluate ID`: whether a training made the model better. Its room stands empty still."""

from __future__ import annotations

import argparse

from studio.cli.command import Command
from studio.cli.output import Output
from studio.errors import NotBuilt
from studio.settings import Home


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run."""
    parser.add_argument("id", type=int, metavar="ID")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Say that it is not built, in the contract's form."""
    raise NotBuilt(
        "The command evaluate is not built yet. `jobs show ID` gives the held-out loss before and "
        "after; `chat ID --prompt P` shows both models' answers."
    )


COMMAND = Command(
    "compare a training with its base on held-out rows (not built yet)", arguments, run
)
