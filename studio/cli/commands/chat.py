"""`chat ID --prompt P`: one question, answered by the base and by the tuned model."""

from __future__ import annotations

import argparse

from studio.cli.command import Command
from studio.cli.output import Output
from studio.orders import Orders
from studio.settings import Home
from studio.worker.client import Worker


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, the question, and who else is asked."""
    parser.add_argument("id", type=int, metavar="ID")
    parser.add_argument("--prompt", required=True, metavar="P")
    parser.add_argument(
        "--also",
        type=int,
        nargs="+",
        default=[],
        metavar="ID",
        help="further runs of the same base",
    )


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Ask all of them."""
    orders = Orders(home)
    for job_id in (options.id, *options.also):
        orders.require_finished(job_id)
    worker = Worker(home, role="chat")
    try:
        answers = worker.answer(options.id, options.prompt, others=options.also)
    finally:
        worker.stop()
    shown = [("Before", answers["base"]), ("Now", answers["tuned"])]
    shown += [
        (f"{each['run']}, {each['name']}", each["text"]) for each in answers.get("others", ())
    ]
    output.result(answers, "\n\n".join(f"{f'{title}:':<7} {text}" for title, text in shown))
    return 0


COMMAND = Command("ask a trained model and its base the same question", arguments, run)
