"""`combine ID=WEIGHT …`: several trainings' adapters become one, their weighted sum."""

from __future__ import annotations

import argparse

from jobs.models import JobState
from studio.cli.command import Command
from studio.cli.exits import exit_code
from studio.cli.output import Output
from studio.errors import AskedWrongly, StudioError
from studio.orders import Orders
from studio.settings import Home


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which runs with which weights, and what becomes of the sum."""
    parser.add_argument(
        "parts", nargs="+", metavar="ID=WEIGHT", help="a finished training and its share: 3=0.5"
    )
    parser.add_argument("--rank", type=int, metavar="R", help="reduce the sum to this rank (LoRA)")
    parser.add_argument("--name", default="", help="how the result is called")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Queue the combination and wait for it; what it gives can be exported like any training."""
    orders = Orders(home)
    job = orders.combine(weights_of(options.parts), rank=options.rank, name=options.name)
    ended = orders.queue.wait(job.id, on_text=output.follow)
    if ended.state != JobState.SUCCEEDED or ended.result is None:
        words = ended.error or f"The combination ended as '{ended.state.value}'."
        output.error(StudioError(words, code=ended.error_code or ended.state.value))
        return exit_code(ended.state)
    result = {"id": job.id, "name": job.name, **ended.result}
    output.result(result, f"{job.id}: {job.name}. Try `chat {job.id}` or `export {job.id}`.")
    return 0


def weights_of(parts: list[str]) -> dict[int, float]:
    """The weight of each run. Raises AskedWrongly for what is no `ID=WEIGHT`, or names a run twice."""
    found: dict[int, float] = {}
    for part in parts:
        number, _, weight = part.partition("=")
        try:
            run_id, share = int(number), float(weight)
        except ValueError as error:
            raise AskedWrongly(
                f"'{part}' is no training with a weight. Expected ID=WEIGHT, such as 3=0.5.",
                code="usage",
            ) from error
        if run_id in found:
            raise AskedWrongly(f"Training {run_id} is named twice; name each once.", code="usage")
        found[run_id] = share
    return found


COMMAND = Command("combine the adapters of several trainings by weights", arguments, run)
