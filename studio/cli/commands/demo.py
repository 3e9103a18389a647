"""`demo`: the main job without a browser, from the starter model to two verified exports."""

from __future__ import annotations

import argparse
import time
from typing import Any

from jobs.models import Job, JobState
from studio.cli.command import Command
from studio.cli.commands.export import export_words
from studio.cli.output import Output
from studio.errors import StudioError
from studio.evaluation.house_form import right
from studio.orders import Orders
from studio.settings import ASSETS, Home
from studio.spec import TrainSpec
from studio.worker.client import Worker

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "Starter example",
    "model": {"source": "starter"},
    "data": {"path": str(ASSETS / "starter" / "replies.csv"), "held_out": 0.11},
    "method": {"name": "lora"},
    # So many steps that all held-out questions are answered right, as the demo says at its end.
    "training": {"epochs": 2, "max_steps": 48, "learning_rate": 1e-3},
}
EXPORTED = ("adapter", "merged")
SHOWN = 3
# Twice what an answer in the house form takes; the base says at length why it cannot help.
ANSWER_TOKENS = 40


def arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Train on the starter data, answer the held-out questions before and after, export twice."""
    began = time.monotonic()
    output.say(
        "The demo teaches the small starter model a house form for customer mail, on this machine: "
        "about 160 short examples, a few minutes of training. Nothing leaves this computer."
    )
    worker = Worker(home.prepare())
    try:
        orders = Orders(home, estimate=worker.estimate, trial=worker.trial)
        training = orders.train(TrainSpec.parse(SPEC))
    finally:
        worker.stop()
    if training.after is not None:
        output.say("Preparing the starter model (once) …")
        _finish(orders, orders.queue.store.job(training.after), output)
    _finish(orders, training, output)
    asked = orders.answers(training.id, max_new_tokens=ANSWER_TOKENS)
    held_out = [_scored(row) for row in _finish(orders, asked, output)["held_out"]]
    exports = [_finish(orders, orders.export(training.id, name), output) for name in EXPORTED]
    document = {
        "score_before": _share(held_out, "right_before"),
        "score_after": _share(held_out, "right_after"),
        "held_out": held_out,
        "seconds": round(time.monotonic() - began, 1),
        "exports": [
            {name: result[name] for name in ("format", "path", "verified", "difference")}
            for result in exports
        ],
        "job": training.id,
    }
    output.result(document, _words(document, exports))
    return 0


def _finish(orders: Orders, job: Job, output: Output) -> dict[str, Any]:
    """Follow a job to its end; its result. Raises StudioError with the job's own words."""
    ended = orders.queue.wait(job.id, on_text=output.follow)
    if ended.state != JobState.SUCCEEDED:
        words = ended.error or f"it ended as '{ended.state.value}'"
        raise StudioError(
            f"Job {job.id} ({job.name}) did not succeed: {words}",
            code=ended.error_code or ended.state.value,
        )
    return ended.result or {}


def _scored(row: dict[str, str]) -> dict[str, Any]:
    return {
        "prompt": row["prompt"],
        "before": row["before"],
        "after": row["after"],
        "right_before": right(row["prompt"], row["before"]),
        "right_after": right(row["prompt"], row["after"]),
    }


def _share(held_out: list[dict[str, Any]], name: str) -> float:
    return round(sum(bool(row[name]) for row in held_out) / len(held_out), 4)


def _words(document: dict[str, Any], exports: list[dict[str, Any]]) -> str:
    count = len(document["held_out"])
    lines = [f"\n{count} questions that were held out of training, for example:"]
    for row in document["held_out"][:SHOWN]:
        lines += [
            f"\n  Question  {row['prompt']}",
            f"  Before    {' '.join(row['before'].split())[:150]}",
            f"  After     {row['after']}",
        ]
    lines += [
        f"\nRight before: {document['score_before']:.0%}   after: {document['score_after']:.0%}",
        *("Exported " + export_words(result) for result in exports),
        f"All of it took {document['seconds']:.0f} seconds. "
        f'Try it: python launch.py chat {document["job"]} --prompt "…"',
    ]
    return "\n".join(lines)


COMMAND = Command("the main job without a browser, from model to verified export", arguments, run)
