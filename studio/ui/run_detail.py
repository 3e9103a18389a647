"""One run in full: state, problem and remedy, figures, settings, and what happened to it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.models import Event, Job, JobState
from studio.failures import Diagnosis
from studio.orders.continuing import leaves_adapter
from studio.orders.desk import TRAINED
from studio.ui import held_out, run_words, words
from studio.ui.curve import curve, small
from studio.ui.forecast import forecast_html
from studio.ui.job_list import pill
from studio.ui.markup import icon
from studio.ui.run_words import Progress

Metrics = Sequence[Mapping[str, Any]]

SMALL = {
    "learning_rate": "Learning rate",
    "grad_norm": "Gradient's size",
    "tokens_per_second": "Tokens a second",
    "device_percent": "Device used, %",
}


def detail_html(job: Job, made: Progress | None) -> str:
    """Name, state, sentence, progress, and what can be done with a finished one."""
    bar = ""
    if made is not None and not job.state.is_ended:
        percent = f"{100 * made.share:.1f}"
        bar = (
            f'<div class="bar" role="progressbar" aria-label="Progress" aria-valuemin="0" '
            f'aria-valuemax="100" aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
        )
    next_steps = ""
    if job.task in TRAINED and job.state is JobState.SUCCEEDED:
        onward = (
            f'<a class="button" href="/?from={job.id}">Go on from it</a>'
            if leaves_adapter(job)
            else ""
        )
        next_steps = (
            f'<p class="next"><a class="button" href="/try?run={job.id}">Try it</a>'
            f'<a class="button" href="/export?run={job.id}">Export</a>{onward}</p>'
        )
    problem = " problem" if job.state is JobState.FAILED else ""
    sentence = html.escape(run_words.sentence(job, made))
    return (
        f'<div class="job-title"><h2>{html.escape(run_words.name(job))}</h2>{pill(job)}</div>'
        f'<p class="sentence{problem}">{sentence}</p>{bar}{next_steps}'
    )


def problem_html(job: Job, card: Diagnosis | None) -> str:
    """The failure card: cause, the line that proves it where the job's own words do not, what to do."""
    if card is None:
        return ""
    is_news = card.line and card.line not in (job.error or "")
    proof = f"<pre>{html.escape(card.line)}</pre>" if is_news else ""
    changed = ", ".join(f"{name} = {value}" for name, value in card.changes.items())
    changes = f'<p class="quiet">Again with {html.escape(changed)}.</p>' if changed else ""
    link = (
        f'<p><a class="button" href="{card.page}">{html.escape(card.remedy)}</a></p>'
        if card.page
        else ""
    )
    return (
        f'<section class="failure" aria-label="Why it stopped">{icon("warning")}<div>'
        f"<h3>{html.escape(card.title)}</h3><p>{html.escape(card.cause)}</p>{proof}"
        f"<p>{html.escape(card.words)}</p>{changes}{link}</div></section>"
    )


def figures_html(job: Job, made: Progress | None, metrics: Metrics) -> str:
    """The newest figures, and what was predicted beside what was measured."""
    shown = []
    if made is not None and made.loss is not None:
        shown.append(("Loss", f"{made.loss:.3f}"))
    if made is not None and made.held_out_loss is not None:
        shown.append(("Loss on rows held out", f"{made.held_out_loss:.3f}"))
        shown += held_out.figures(job, made.held_out)
    for name, title, unit in (
        ("tokens_per_second", "Tokens a second", ""),
        ("device_percent", "Device used", " %"),
    ):
        value = newest(metrics, name)
        if value is not None:
            shown.append((title, f"{value:,.0f}{unit}"))
    if job.started_at is not None:
        shown.append(("Time", run_words.elapsed(job)))
    if job.attempt > 1:
        shown.append(("Attempt", str(job.attempt)))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown)
    told = forecast_html(job, metrics) + _told(job)
    return (f'<dl class="figures">{cells}</dl>' if cells else "") + told


def _told(job: Job) -> str:
    """What a finished run had to do without, in a sentence."""
    memory = (job.result or {}).get("memory") or {}
    if not memory.get("ran_out"):
        return ""
    twice = ", computing intermediate results twice" if memory.get("recomputes") else ""
    rows = words.count(int(memory.get("rows_at_a_time", 1)), "row")
    return (
        f'<p class="quiet told">The memory ran out on the way: it went on with {rows} at a time'
        f"{twice}. The steps stayed the same.</p>"
    )


def drawing_html(job: Job, metrics: Metrics, made: Progress | None) -> str:
    """The curves of a training: losses large, the others small; nothing for jobs that have none."""
    if job.task != "train":
        return ""
    mixed_up = held_out.confusion_html(job, made.held_out) if made else ""
    others = "".join(small(metrics, name, title) for name, title in SMALL.items())
    return curve(metrics, made.total_steps if made else None) + (
        (f'<div class="smalls">{others}</div>' if others else "") + mixed_up
    )


def events_html(events: Sequence[Event]) -> str:
    """What happened to the job, newest first."""
    rows = "".join(
        f"<li><time>{words.moment(event.at)}</time> {html.escape(event.words)}</li>"
        for event in reversed(events)
    )
    count = words.count(len(events), "event")
    return f'<details class="events"><summary>{count}</summary><ol>{rows}</ol></details>'


def newest(metrics: Metrics, name: str) -> float | None:
    """The last value that was reported of a figure."""
    values = (line.get(name) for line in reversed(metrics))
    return next((float(value) for value in values if isinstance(value, int | float)), None)
