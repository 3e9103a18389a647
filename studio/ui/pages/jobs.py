"""Jobs: the live table of all jobs, and of the chosen one the progress, curve and log."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from jobs.errors import StoreBusy
from jobs.models import Job, JobState
from jobs.progress import LOG, METRICS, read_log, read_metrics
from studio.ui import run_words
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.curve import curve
from studio.ui.log_view import Chunk, log_view
from studio.ui.markup import heading, icon
from studio.ui.pages.page import Page
from studio.ui.wiring import QUIET, opening

SHOWN = 100
FAST_S, SLOW_S = 1, 10
LOG_BYTES = 64_000

# A choice is part of the address, so a reload or a restarted server shows the same job.
TABLE_SCRIPT = """
element.addEventListener('click', event => {
  const link = event.target.closest('a[data-job]') ||
    event.target.closest('tr')?.querySelector('a[data-job]');
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  history.replaceState(null, '', link.getAttribute('href'));
  trigger('select');
});
document.addEventListener('visibilitychange', () => { if (!document.hidden) trigger('select'); });
"""
TICK_SCRIPT = "(cursor) => [{...(cursor || {}), hidden: document.hidden}]"

VERBS = {
    "pause": "The training saves its place and pauses.",
    "resume": "It goes on as soon as there is room.",
    "cancel": "It is being stopped.",
    "retry": "It is in the queue again.",
}


@dataclass(frozen=True)
class Cursor:
    """What this window shows already; it travels with each tick and holds no truth."""

    job: int | None = None
    log_end: int = 0
    metrics_bytes: int = -1
    shown: dict[str, Any] = field(default_factory=dict)
    hidden: bool = False

    @classmethod
    def read(cls, value: Any) -> Cursor:
        """The cursor that a window sent; a new one where it sent none of use."""
        if not isinstance(value, dict):
            return cls()
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        return cls(**known)

    def as_value(self) -> dict[str, Any]:
        """The cursor as the window keeps it."""
        return {
            "job": self.job,
            "log_end": self.log_end,
            "metrics_bytes": self.metrics_bytes,
            "shown": self.shown,
        }


def build(backstage: Backstage) -> None:
    """Make the page's components and wire its one tick."""
    view = View(backstage)
    gr.HTML(heading("Jobs", "What runs, what waits, and what is done."), elem_classes="head")
    with gr.Column(elem_classes="card"):
        table = gr.HTML(elem_id="jobs-table", js_on_load=TABLE_SCRIPT, apply_default_css=False)
    with gr.Column(elem_classes="card", elem_id="job"):
        with gr.Row(elem_classes="job-head"):
            detail = gr.HTML(elem_id="job-detail", apply_default_css=False)
            with gr.Row(elem_classes="actions"):
                buttons = {
                    "pause": gr.Button("Pause", size="sm", visible=False, elem_id="pause"),
                    "resume": gr.Button("Resume", size="sm", visible=False, elem_id="resume"),
                    "retry": gr.Button("Try again", size="sm", visible=False, elem_id="retry"),
                    "cancel": gr.Button(
                        "Cancel", size="sm", variant="stop", visible=False, elem_id="cancel"
                    ),
                }
        drawing = gr.HTML(elem_id="job-curve", apply_default_css=False)
        log = log_view("job-log")
    cursor = gr.JSON(visible=False)
    timer = gr.Timer(FAST_S)
    outputs = [table, detail, *buttons.values(), drawing, log, timer, cursor]
    # One event for all causes: two ticks at once would append the same piece of log twice.
    gr.on(
        [timer.tick, table.select, opening()],
        spoken(view.tick),
        cursor,
        outputs,
        js=TICK_SCRIPT,
        trigger_mode="always_last",
        **QUIET,
    )
    for verb, button in buttons.items():
        button.click(spoken(view.act(verb)), None, None, **QUIET)


class View:
    """Makes what the page shows out of the queue and the run folders."""

    def __init__(self, backstage: Backstage) -> None:
        self.backstage = backstage

    def act(self, verb: str) -> Any:
        """The handler of a button: the verb on the job that the page shows."""

        def acting(request: gr.Request) -> None:
            queue = self.backstage.orders.queue
            job = self._chosen(queue.store.jobs(limit=SHOWN), request)
            if job is None:
                return
            getattr(queue.store, verb)(job.id)
            queue.ensure_dispatcher()
            gr.Info(VERBS[verb], title=job.name or run_words.task_title(job))

        return acting

    def tick(self, value: Any, request: gr.Request) -> list[Any]:
        """Everything that changed since this window's last tick; the rest is skipped."""
        before = Cursor.read(value)
        if before.hidden:
            return [*[gr.skip()] * 8, gr.Timer(SLOW_S), gr.skip()]
        queue = self.backstage.orders.queue
        try:
            jobs = queue.store.jobs(limit=SHOWN)
        except StoreBusy:
            # The last table stays; the next tick asks again.
            return [gr.skip()] * 10
        if any(not job.state.is_ended for job in jobs):
            # A dispatcher that was killed comes back while somebody looks.
            queue.ensure_dispatcher()
        job = self._chosen(jobs, request)
        if job is None:
            return self._nothing()
        folder = queue.folder(job.id)
        if before.job != job.id:
            # Of a long log the end is what a person wants; the whole lies in the run's folder.
            before = Cursor(log_end=max(0, _size(folder / LOG) - LOG_BYTES))
        return self._changes(before, jobs, job, folder)

    def _changes(self, before: Cursor, jobs: list[Job], job: Job, folder: Path) -> list[Any]:
        text, log_end = read_log(folder, before.log_end, LOG_BYTES)
        metrics_bytes = _size(folder / METRICS)
        lines, _ = read_metrics(folder)
        made = run_words.progress_of(lines)
        is_live = any(entry.state.is_active or _starts_soon(entry) for entry in jobs)
        shown = {
            "table": self._table(jobs, job),
            "detail": detail_html(job, made),
            **{verb: _allows(job, verb) for verb in VERBS},
            "pace": FAST_S if is_live else SLOW_S,
        }
        news = {key: _digest(entry) for key, entry in shown.items()}
        changed = {key for key in news if before.shown.get(key) != news[key]}
        is_drawn = metrics_bytes == before.metrics_bytes
        after = Cursor(job.id, log_end, metrics_bytes, news)
        return [
            shown["table"] if "table" in changed else gr.skip(),
            shown["detail"] if "detail" in changed else gr.skip(),
            *(
                gr.Button(visible=shown[verb]) if verb in changed else gr.skip()
                for verb in ("pause", "resume", "retry", "cancel")
            ),
            gr.skip() if is_drawn else drawing_html(job, lines, made),
            _chunk(job, before, log_end, text),
            gr.Timer(shown["pace"]) if "pace" in changed else gr.skip(),
            after.as_value() if after != before else gr.skip(),
        ]

    def _nothing(self) -> list[Any]:
        empty = (
            '<div class="empty"><p>There are no jobs yet.</p>'
            '<p><a href="/">Start a training</a>, and it shows up here.</p></div>'
        )
        hidden = [gr.Button(visible=False)] * 4
        return [empty, "", *hidden, "", gr.skip(), gr.Timer(SLOW_S), Cursor().as_value()]

    def _chosen(self, jobs: list[Job], request: gr.Request) -> Job | None:
        """The job in the address, else the newest training, else the newest job."""
        wanted = request.query_params.get("job", "")
        by_id = {str(job.id): job for job in jobs}
        if wanted in by_id:
            return by_id[wanted]
        newest = sorted(jobs, key=lambda job: (job.task == "train", job.id))
        return newest[-1] if newest else None

    def _table(self, jobs: list[Job], chosen: Job) -> str:
        folder = self.backstage.orders.queue.folder
        rows = "".join(_row(job, folder(job.id), job.id == chosen.id) for job in jobs)
        head = "".join(f'<th scope="col">{name}</th>' for name in ("Name", "Kind", "State", ""))
        return f'<table class="jobs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def detail_html(job: Job, made: run_words.Progress | None) -> str:
    """The chosen job's name, state, sentence, progress and figures."""
    sentence = html.escape(run_words.sentence(job, made))
    bar = ""
    if made is not None and not job.state.is_ended:
        percent = f"{100 * made.share:.1f}"
        bar = (
            f'<div class="bar" role="progressbar" aria-label="Progress" aria-valuemin="0" '
            f'aria-valuemax="100" aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
        )
    next_steps = ""
    if job.task == "train" and job.state is JobState.SUCCEEDED:
        next_steps = (
            f'<p class="next"><a class="button" href="/try?run={job.id}">Try it</a>'
            f'<a class="button" href="/export?run={job.id}">Export</a></p>'
        )
    problem = " problem" if job.state is JobState.FAILED else ""
    return (
        f'<div class="job-title"><h2>{html.escape(_name(job))}</h2>{_pill(job)}</div>'
        f'<p class="sentence{problem}">{sentence}</p>{bar}{_figures(job, made)}{next_steps}'
    )


def drawing_html(job: Job, lines: list[dict[str, Any]], made: run_words.Progress | None) -> str:
    """The loss curve of a training; nothing for jobs that have none."""
    if job.task != "train":
        return ""
    return curve(lines, made.total_steps if made else None)


def _figures(job: Job, made: run_words.Progress | None) -> str:
    shown = []
    if made is not None and made.loss is not None:
        shown.append(("Loss", f"{made.loss:.3f}"))
    if made is not None and made.held_out_loss is not None:
        shown.append(("Loss on rows held out", f"{made.held_out_loss:.3f}"))
    if job.started_at is not None:
        shown.append(("Time", run_words.elapsed(job)))
    if job.attempt > 1:
        shown.append(("Attempt", str(job.attempt)))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown)
    return f'<dl class="figures">{cells}</dl>' if cells else ""


def _row(job: Job, folder: Path, is_chosen: bool) -> str:
    mark = ' aria-current="true"' if is_chosen else ""
    name = html.escape(_name(job))
    made = run_words.progress(folder) if job.state is JobState.RUNNING else None
    more = ""
    if job.state is JobState.QUEUED and job.waiting_for:
        more = f"waits for {html.escape(job.waiting_for)}"
    elif made is not None:
        percent = f"{100 * made.share:.0f}"
        more = f'<span class="thin"><i style="width:{percent}%"></i></span>{percent} %'
    elif job.started_at is not None:
        more = run_words.elapsed(job)
    return (
        f'<tr{mark}><td><a href="/jobs?job={job.id}" data-job="{job.id}">{name}</a></td>'
        f"<td>{html.escape(run_words.task_title(job))}</td><td>{_pill(job)}</td>"
        f'<td class="more">{more}</td></tr>'
    )


def _pill(job: Job) -> str:
    mark = icon("check") if job.state is JobState.SUCCEEDED else ""
    return f'<span class="pill {job.state}">{mark}{html.escape(run_words.state_words(job))}</span>'


def _name(job: Job) -> str:
    return job.name or f"{run_words.task_title(job)} {job.id}"


def _allows(job: Job, verb: str) -> bool:
    """Whether the verb goes with the job's state, so that its button is shown."""
    if job.intent is not None and job.state.is_active:
        return False
    if verb == "pause":
        return job.state is JobState.RUNNING and job.task == "train"
    if verb == "resume":
        return job.state is JobState.PAUSED
    if verb == "retry":
        return job.state in (JobState.FAILED, JobState.CANCELLED)
    return not job.state.is_ended


def _starts_soon(job: Job) -> bool:
    return job.state is JobState.QUEUED


def _chunk(job: Job, before: Cursor, log_end: int, text: str) -> Any:
    is_new = before.job != job.id
    if not text and not is_new:
        return gr.skip()
    return Chunk(job.id, before.log_end, log_end, text, is_first=is_new).as_value()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(value: Any) -> Any:
    """A short stand-in for what a window shows; two equal ones mean nothing changed."""
    return value if not isinstance(value, str) else f"{hash(value):x}"


PAGE = Page("Jobs", "jobs", 20, "jobs", build)
