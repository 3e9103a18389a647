"""`train SPEC`: put a training into the queue, and follow it where asked."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.bringing import with_data_brought
from studio.cli.command import Command
from studio.cli.exits import exit_code
from studio.cli.output import Output
from studio.orders import Orders
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker.client import Worker


def arguments(parser: argparse.ArgumentParser) -> None:
    """The spec, and whether to wait."""
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument("--wait", action="store_true", help="follow the log until the end")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Enqueue; with `--wait` the exit code is the job's: 0 succeeded, 1 failed, 3 cancelled or paused."""
    spec = with_data_brought(TrainSpec.load(options.spec), home.prepare(), output)
    worker = Worker(home.prepare())
    try:
        orders = Orders(home, estimate=worker.estimate, trial=worker.trial)
        job = orders.train(spec)
    finally:
        worker.stop()
    if not options.wait:
        output.result({"id": job.id}, f"Training {job.id} ({job.name}) is in the queue.")
        return 0
    output.say(
        f"Training {job.id} ({job.name}) is in the queue. Following its log; Ctrl-C leaves it."
    )
    ended = orders.queue.wait(job.id, on_text=output.follow)
    shown = orders.run(job.id)
    output.result(shown.as_json(), f"Training {job.id}: {ended.state.sentence}.")
    if shown.error:
        output.say(shown.error["words"])
    return exit_code(ended.state)


COMMAND = Command("put a training into the queue", arguments, run)
