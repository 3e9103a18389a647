"""`rate SPEC`: a short test on the spec's data that suggests a learning rate."""

from __future__ import annotations

import argparse
from pathlib import Path

from jobs.models import JobState
from studio.cli.bringing import with_data_brought
from studio.cli.command import Command
from studio.cli.exits import exit_code
from studio.cli.output import Output
from studio.orders import Orders
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker.client import Worker


def arguments(parser: argparse.ArgumentParser) -> None:
    """The spec."""
    parser.add_argument("spec", type=Path, metavar="SPEC")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Queue the test, follow its log, and give `{"id", "suggested", "words", "points"}`."""
    spec = with_data_brought(TrainSpec.load(options.spec), home.prepare(), output)
    worker = Worker(home)
    try:
        orders = Orders(home, estimate=worker.estimate, trial=worker.trial)
        job = orders.find_rate(spec)
    finally:
        worker.stop()
    ended = orders.queue.wait(job.id, on_text=output.follow)
    shown = orders.run(job.id)
    if ended.state is JobState.SUCCEEDED and shown.result is not None:
        found = {name: shown.result[name] for name in ("suggested", "words", "points")}
        output.result({"id": job.id, **found}, str(found["words"]))
    elif shown.error:
        output.say(shown.error["words"])
    return exit_code(ended.state)


COMMAND = Command("suggest a learning rate by a short test on your data", arguments, run)
