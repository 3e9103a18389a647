"""`estimate SPEC`: parameters, memory, time and whether it fits, before anything is started."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from studio.cli.bringing import with_data_brought
from studio.cli.command import Command
from studio.cli.output import Output, in_gigabytes
from studio.errors import AskedWrongly
from studio.orders import Orders
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker.client import Worker
from studio.worker.explaining import dominates, title_of
from studio.worker.fitting import make_it_fit


def arguments(parser: argparse.ArgumentParser) -> None:
    """The spec, a pretended memory, and the search for a plan that fits."""
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument(
        "--memory", type=int, metavar="BYTES", help="judge against this much memory instead"
    )
    parser.add_argument("--fit", action="store_true", help="search for settings that fit")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Ask the model worker. Exit 0 also when the verdict is that it does not fit."""
    if options.memory is not None and options.memory < 1:
        raise AskedWrongly("--memory is a number of bytes from 1 up, such as 8000000000.")
    spec = with_data_brought(TrainSpec.load(options.spec), home.prepare(), output)
    Orders(home).refuse_adapter(spec)
    worker = Worker(home)
    try:
        document = worker.estimate(spec, memory_bytes=options.memory)
        document["trial"] = worker.trial(spec)
        if options.fit:
            document["plan"] = _plan(worker, spec, document, output)
    finally:
        worker.stop()
    output.result(document, _words(document))
    return 0


def _plan(
    worker: Worker, spec: TrainSpec, document: dict[str, Any], output: Output
) -> dict[str, Any]:
    """The plan that fits, by as many questions to the worker as it takes."""
    # What is free changes from moment to moment: every plan is judged by the same figure.
    free = document["verdict"]["free_bytes"]
    lengths = {} if document["verdict"]["fits"] else worker.lengths(spec)
    return make_it_fit(
        spec, lambda each: worker.estimate(each, memory_bytes=free), lengths, output.say
    ).to_json()


def _words(document: dict[str, Any]) -> str:
    parameters, memory, time = document["parameters"], document["memory"], document["time"]
    share = parameters["trainable"] / parameters["total"]
    lines = [
        f"Trainable parameters: {parameters['trainable']:,} of {parameters['total']:,} ({share:.2%})",
        f"Memory at its peak:   {in_gigabytes(memory['peak_bytes'])} ({memory['certainty']}; "
        f"{in_gigabytes(memory['low_bytes'])} to {in_gigabytes(memory['high_bytes'])})",
        *(
            f"  {title_of(name):<32} {in_gigabytes(count)}"
            for name, count in memory["parts"].items()
            if count
        ),
        dominates(memory),
    ]
    if time:
        lines.append(
            f"Time:                 {time['low'] / 60:.0f} to {time['high'] / 60:.0f} minutes"
        )
    disk = document["disk"]
    lines.append(f"Disk while it runs:   {in_gigabytes(disk['checkpoints_bytes'])}")
    lines += [f"  export {name:<25} {in_gigabytes(size)}" for name, size in disk["exports"].items()]
    lines += [document["trial"]["words"], document["verdict"]["words"]]
    return "\n".join([*lines, *_plan_words(document["plan"])])


def _plan_words(plan: dict[str, Any] | None) -> list[str]:
    """The plan: what changes and what each change costs."""
    if plan is None:
        return []
    changes = [
        f"  {each['field']}: {json.dumps(each['from'])} -> {json.dumps(each['to'])}. {each['cost']}"
        for each in plan["changes"]
    ]
    return [f"With these changes: {plan['words']}" if changes else plan["words"], *changes]


COMMAND = Command("say what a training needs before it starts", arguments, run)
