"""`chat ID --prompt P`: one question, answered by the base and by the tuned model."""

from __future__ import annotations

import argparse

from studio.cli.command import Command
from studio.cli.output import Output
from studio.orders import Orders
from studio.settings import Home
from studio.worker.client import Worker


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, and the question."""
    parser.add_argument("id", type=int, metavar="ID")
    parser.add_argument("--prompt", required=True, metavar="P")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Ask both models."""
    Orders(home).require_finished(options.id)
    worker = Worker(home, role="chat")
    try:
        answers = worker.answer(options.id, options.prompt)
    finally:
        worker.stop()
    output.result(answers, f"Before: {answers['base']}\n\nNow:    {answers['tuned']}")
    return 0


COMMAND = Command("ask a trained model and its base the same question", arguments, run)
