"""`jobs`: the queue, listed, shown, followed and steered."""

from __future__ import annotations

import argparse
import time

from jobs.moments import parse_moment
from jobs.progress import read_log
from studio.cli.command import Command
from studio.cli.output import Output, table
from studio.errors import AskedWrongly
from studio.orders import Orders, RunView
from studio.settings import Home

VERBS = ("cancel", "pause", "resume", "retry")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, and with which job."""
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", "show", "log", *VERBS, "schedule", "remedy"),
    )
    parser.add_argument("id", nargs="?", type=int, metavar="ID")
    parser.add_argument(
        "--hours", metavar="22:00-06:00", help="for schedule: run within these hours only"
    )
    parser.add_argument(
        "--not-before", default="", metavar="22:00", help="for schedule: a time, a day, or both"
    )
    parser.add_argument("--offset", type=int, default=0, help="for log: the byte to go on from")


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Carry out the action."""
    orders = Orders(home)
    orders.queue.tend()
    if options.action == "list":
        runs = orders.runs()
        output.result([run.as_json() for run in runs], _table(runs))
        return 0
    if options.id is None:
        raise AskedWrongly(f"Which job? For example: jobs {options.action} 1.", code="usage")
    if options.action == "log":
        orders.queue.store.job(options.id)
        text, offset = read_log(orders.queue.folder(options.id), options.offset)
        output.result({"text": text, "offset": offset}, text.rstrip("\n"))
        return 0
    shown_id = options.id
    if options.action == "remedy":
        shown_id = orders.remedy(options.id).id
    elif options.action == "schedule":
        not_before = parse_moment(options.not_before, time.time())
        orders.queue.store.schedule(options.id, run_after=not_before, hours=options.hours)
        orders.queue.tend()
    elif options.action in VERBS:
        getattr(orders.queue.store, options.action)(options.id)
        orders.queue.tend()
    shown = orders.run(shown_id)
    output.result(shown.as_json(), _words(shown))
    return 0


def _table(runs: list[RunView]) -> str:
    if not runs:
        return "The queue is empty. Put a training into it: python launch.py train SPEC"
    rows = [
        [
            str(run.id),
            run.name,
            run.task,
            run.state,
            f"{run.progress['step'] or 0}/{run.progress['total_steps'] or '?'}",
            run.waiting_for or (run.error["words"][:60] if run.error else ""),
        ]
        for run in runs
    ]
    return table(["Job", "Name", "Task", "State", "Step", ""], rows)


def _words(run: RunView) -> str:
    lines = [f"Job {run.id}: {run.name} ({run.task}), {run.state}, attempt {run.attempt}"]
    if run.waiting_for:
        lines.append(f"Waiting for {run.waiting_for}")
    if run.progress["step"] is not None:
        lines.append(f"Step {run.progress['step']} of {run.progress['total_steps']}")
    lines += [f"{name}: {value}" for name, value in run.metrics.items()]
    if run.error:
        lines += ["", run.error["words"], *_card_words(run)]
    return "\n".join(lines)


def _card_words(run: RunView) -> list[str]:
    """The failure card: cause, the line that proves it, what to do, and the command that does it."""
    error = run.error or {}
    card = error.get("card")
    if not card:
        return []
    lines = ["", f"{card['title']}. {card['cause']}"]
    if card["line"] and card["line"] not in error["words"]:
        lines.append(f"  > {card['line']}")
    lines.append(f"What to do: {card['words']}")
    if card["changes"]:
        changed = ", ".join(f"{name} = {value}" for name, value in card["changes"].items())
        lines.append(f"It would be run again with {changed}.")
    if card["verb"] in ("retry", "resume", "change"):
        lines.append(f"Then: python launch.py jobs remedy {run.id}")
    return lines


COMMAND = Command(
    "the queue: list, show, log, cancel, pause, resume, retry, schedule, remedy", arguments, run
)
