"""Jobs: what runs, waits and is done; of the chosen one its progress, curves, problem, log and notes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from jobs.errors import StoreBusy
from jobs.models import Job, JobState
from jobs.moments import parse_moment, written
from jobs.progress import LOG, read_log
from studio.errors import AskedWrongly
from studio.failures import Diagnosis
from studio.library import Note
from studio.orders.bug_report import bug_report
from studio.orders.views import explain
from studio.ui import job_list, run_detail, run_words
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.comparing import MOST, comparison_html
from studio.ui.draft import Draft, new_id
from studio.ui.followed import Followed
from studio.ui.log_search import found_html
from studio.ui.log_view import Chunk
from studio.ui.looked import Listed, Looked
from studio.ui.pages.jobs_layout import Layout, lay_out, wire
from studio.ui.pages.page import Page
from studio.ui.patience import Pulse, patiently

SHOWN = 1000
FAST_S, SLOW_S = 1, 10
RETRY = "Try again"
LOG_BYTES = 64_000
WAITING_SHOWN = PAST_SHOWN = 100
NEXT = "The next {shown:,} of {count:,} that wait are shown."
NEWEST = "The newest {shown:,} of {count:,} are shown."

VERBS = {
    "pause": "It saves its place and pauses.",
    "resume": "It goes on as soon as there is room.",
    "cancel": "It is being stopped.",
    "retry": "It is in the queue again.",
}
EMPTY = (
    '<div class="empty"><p>There are no jobs yet.</p>'
    '<p><a href="/">Start a training</a>, and it shows up here.</p></div>'
)


@dataclass(frozen=True)
class Cursor:
    """What this window shows already; it travels with each tick and holds no truth."""

    job: int | None = None
    log_end: int = 0
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
        return {"job": self.job, "log_end": self.log_end, "shown": self.shown}


def build(backstage: Backstage) -> None:
    """Make the page's components and wire them."""
    view = View(backstage)
    layout = lay_out(FAST_S)
    wire(layout, tick=spoken(view.tick), act={name: spoken(view.act(name)) for name in VERBS})
    wire_rest(view, layout)


def wire_rest(view: View, layout: Layout) -> None:
    """What is done with one run, apart from the queue's verbs."""
    layout.on_asked(spoken(view.asked))
    layout.on_click("remedy", spoken(view.remedy))
    layout.on_clone(spoken(view.clone))
    layout.on_note(spoken(view.write_note))
    layout.on_when(spoken(view.schedule))
    layout.on_search_log(spoken(view.search_log))
    layout.on_report(spoken(view.report))


class View:
    """Makes what the page shows out of the queue and the run folders."""

    def __init__(self, backstage: Backstage) -> None:
        self.backstage = backstage
        self._followed = Followed()
        self._looked = Looked(backstage, SHOWN)
        self._pulse = Pulse()
        self._past: dict[str, tuple[tuple[Any, ...], str]] = {}

    # What a person does.

    def act(self, verb: str) -> Any:
        """The handler of a button: the verb on the job that the page shows."""

        def acting(request: gr.Request) -> None:
            job = self._require(request)
            queue = self.backstage.orders.queue
            patiently(lambda: getattr(queue.store, verb)(job.id))
            queue.ensure_dispatcher()
            gr.Info(VERBS[verb], title=run_words.name(job))

        return acting

    def asked(self, value: Any) -> None:
        """What a click or a drag in the list asks for: an order, or a star."""
        asked = value if isinstance(value, dict) else {}
        verb, job = asked.get("verb"), _number(asked.get("job"))
        store, notes = self.backstage.orders.queue.store, self.backstage.library.notes
        if verb in ("star", "unstar"):
            patiently(lambda: notes.star(store.job(job).id, verb == "star"))
        elif verb in ("before", "after"):
            beside = {verb: _number(asked.get("other"))}
            patiently(lambda: store.reorder(job, **beside))

    def remedy(self, request: gr.Request) -> None:
        """Carry out what the failure card offers."""
        job = self._require(request)
        again = self.backstage.orders.remedy(job.id)
        words = "It is in the queue again." if again.id == job.id else f"Queued as {again.name}."
        gr.Info(words, title=run_words.name(job))

    def clone(self, request: gr.Request) -> str:
        """A new form filled in like this run; gives the draft's number."""
        job = self._require(request)
        if job.task != "train":
            raise AskedWrongly("Only a training can be copied with changes.", code="not_a_training")
        draft_id = new_id()
        self.backstage.library.save_draft(draft_id, Draft.of_spec(job.spec["spec"]).to_json())
        return draft_id

    def write_note(self, text: str, request: gr.Request) -> None:
        """Keep what a person says of the run."""
        job, notes = self._require(request), self.backstage.library.notes
        if patiently(lambda: notes.of(job.id)).text != text:
            patiently(lambda: notes.write(job.id, text))

    def schedule(self, hours: str | None, not_before: str | None, request: gr.Request) -> None:
        """Say when the job may run: within hours of the day, not before a moment."""
        job = self._require(request)
        run_after = parse_moment(not_before or "", time.time())
        if ((hours or None), run_after) != (job.hours, job.run_after):
            store = self.backstage.orders.queue.store
            patiently(lambda: store.schedule(job.id, run_after=run_after, hours=hours))

    def search_log(self, words: str, request: gr.Request) -> str:
        """Lines of the whole log that hold the words."""
        job = self._require(request)
        return found_html(self.backstage.orders.queue.folder(job.id), words)

    def report(self, request: gr.Request) -> str:
        """The bug report of this run."""
        job = self._require(request)
        queue = self.backstage.orders.queue
        text = bug_report(job, queue.folder(job.id), queue.store.events(job.id))
        gr.Info(
            "It is on the clipboard. It holds no data, no names and no paths.", title="Bug report"
        )
        return text

    # What the page shows.

    def tick(self, value: Any, words: str, request: gr.Request) -> list[Any]:
        """Everything that changed since this window's last tick; the rest is skipped."""
        before = Cursor.read(value)
        try:
            outputs = self._look(before, words, request)
        except StoreBusy:
            # What is shown stays, and the next tick, a soon one, asks again.
            shown = {"stale": self._pulse.missed(), "pace": FAST_S}
            return self._changes(before, before.job, before.log_end, shown)
        self._pulse.seen()
        return outputs

    def _look(self, before: Cursor, words: str, request: gr.Request) -> list[Any]:
        """A tick's answer. Raises StoreBusy."""
        listed = self._looked.look()
        if before.hidden:
            return self._changes(before, before.job, before.log_end, _news(listed))
        jobs, queue = listed.jobs, self.backstage.orders.queue
        if any(not job.state.is_ended for job in jobs):
            # A dispatcher that was killed comes back while somebody looks.
            queue.ensure_dispatcher()
        job = _chosen(jobs, request)
        if job is None:
            return self._changes(before, None, 0, _nothing())
        folder = queue.folder(job.id)
        if before.job != job.id:
            # Of a long log the end is what a person wants; the whole lies in the run's folder.
            before = Cursor(log_end=max(0, _size(folder / LOG) - LOG_BYTES))
        text, log_end = read_log(folder, before.log_end, LOG_BYTES)
        shown = {
            "stale": "",
            **self._lists(listed, job, words or "", show_all="all" in request.query_params),
            **self._run(job, folder, listed.notes.get(job.id, Note()), is_new=before.job != job.id),
            **_news(listed),
            "comparison": self._comparison(jobs, request),
            "log": _chunk(job, before, log_end, text),
        }
        return self._changes(before, job.id, log_end, shown)

    def _changes(
        self, before: Cursor, job: int | None, log_end: int, shown: dict[str, Any]
    ) -> list[Any]:
        """The values of the layout's outputs in order, and the cursor; what did not change is skipped."""
        digests = {name: _digest(value) for name, value in shown.items() if value is not None}
        news = {name for name in digests if before.shown.get(name) != digests[name]}
        outputs = [
            Layout.update(name, shown[name]) if name in news else gr.skip()
            for name in Layout.OUTPUTS
        ]
        # A piece of log is never the same again: it is no part of what a window is known to show.
        digests.pop("log", None)
        after = Cursor(job, log_end, {**before.shown, **digests})
        if before.hidden:
            outputs[Layout.OUTPUTS.index("pace")] = gr.Timer(SLOW_S)
            after.shown.pop("pace", None)
        # Never skipped: Gradio makes a component anew for each update, and remembers for as long as a
        # window is open each one that it then takes in again, as it does this one at every tick.
        return [*outputs, after.as_value()]

    def _lists(self, listed: Listed, chosen: Job, words: str, *, show_all: bool) -> dict[str, Any]:
        """The two tables and how soon to look again."""
        past = self._past_table(listed, chosen, words, show_all=show_all)
        nothing = "" if past else job_list.NOTHING_FOUND
        return {
            "table": self._live_table(listed, chosen, words, show_all=show_all) or nothing,
            "past": past,
            "pace": FAST_S if any(map(_may_change, listed.jobs)) else SLOW_S,
        }

    def _live_table(self, listed: Listed, chosen: Job, words: str, *, show_all: bool) -> str:
        """What runs, waits or was put aside: all of it but those that wait far behind."""
        folder, notes = self.backstage.orders.queue.folder, listed.notes
        live = [
            job
            for job in listed.jobs
            if not job.state.is_ended and job_list.matches(job, notes.get(job.id), words)
        ]
        waiting = [job for job in live if job.state is JobState.QUEUED]
        far = set() if show_all else {job.id for job in waiting[WAITING_SHOWN:]}
        made = {job.id: run_words.progress(folder(job.id)) for job in live if job.state.is_active}
        shown = [job for job in live if job.id not in far]
        count = len(waiting)
        return job_list.table(shown, chosen, notes, made) + job_list.more(
            count, count - len(far), chosen, NEXT
        )

    def _past_table(self, listed: Listed, chosen: Job, words: str, *, show_all: bool) -> str:
        """What is past, made once for all looks at the same list."""
        key = (listed.number, chosen.id if chosen.state.is_ended else 0, show_all)
        known = self._past.get(words)
        if known is not None and known[0] == key:
            return known[1]
        notes = listed.notes
        past = [
            job
            for job in listed.jobs
            if job.state.is_ended and job_list.matches(job, notes.get(job.id), words)
        ]
        shown = past if show_all else past[:PAST_SHOWN]
        made = job_list.table(shown, chosen, notes, {}) + job_list.more(
            len(past), len(shown), chosen, NEWEST
        )
        self._past = {words: (key, made)}
        return made

    def _run(self, job: Job, folder: Path, note: Note, *, is_new: bool) -> dict[str, Any]:
        """Everything of the chosen job but its log."""
        metrics = self._followed.metrics(folder)
        made = run_words.progress_of(metrics)
        card = explain(job, folder) if job.error else None
        events = self.backstage.orders.queue.store.events(job.id)
        return {
            "detail": run_detail.detail_html(job, made),
            "problem": run_detail.problem_html(job, card),
            "figures": run_detail.figures_html(job, made, metrics),
            "drawing": run_detail.drawing_html(job, metrics, made),
            "events": run_detail.events_html(events),
            # Sent once: what a person types meanwhile must not be overwritten.
            "note": (job.id, note.text) if is_new else None,
            "remedy": _remedy(card),
            "when": False if job.state.is_ended else job.hours or "",
            "not_before": written(job.run_after) if _waits(job) else False,
            "clone": job.task == "train",
            **{verb: _allows(job, verb) for verb in VERBS},
        }

    def _comparison(self, jobs: Sequence[Job], request: gr.Request) -> str:
        wanted = request.query_params.get("compare", "").split(",")[:MOST]
        by_id = {str(job.id): job for job in jobs if job.task == "train"}
        runs = [by_id[number] for number in dict.fromkeys(wanted) if number in by_id]
        folder = self.backstage.orders.queue.folder
        return comparison_html([(job, self._followed.metrics(folder(job.id))) for job in runs])

    def _require(self, request: gr.Request) -> Job:
        store = self.backstage.orders.queue.store
        job = _chosen(patiently(lambda: store.jobs(limit=SHOWN)), request)
        if job is None:
            raise AskedWrongly("There is no job to do this with.", code="no_such_job")
        return job


def _chosen(jobs: Sequence[Job], request: gr.Request) -> Job | None:
    """The job in the address, else the newest training, else the newest job."""
    wanted = request.query_params.get("job", "")
    by_id = {str(job.id): job for job in jobs}
    if wanted in by_id:
        return by_id[wanted]
    return max(jobs, key=lambda job: (job.task == "train", job.id), default=None)


def _allows(job: Job, verb: str) -> bool:
    """Whether the verb goes with the job's state, so that its button is shown."""
    if job.intent is not None and job.state.is_active:
        return False
    if verb == "pause":
        return job.state is JobState.QUEUED or (
            job.state is JobState.RUNNING and job.task == "train"
        )
    if verb == "resume":
        return job.state is JobState.PAUSED
    if verb == "retry":
        return job.state in (JobState.FAILED, JobState.CANCELLED)
    return not job.state.is_ended


def _waits(job: Job) -> bool:
    return job.state in (JobState.QUEUED, JobState.PAUSED)


def _remedy(card: Diagnosis | None) -> str:
    """What the remedy's button says; empty where no click can help, or a button beside it says so."""
    if card is None or card.verb not in ("change", "retry") or card.remedy == RETRY:
        return ""
    return card.remedy


def _may_change(job: Job) -> bool:
    """Whether it runs, or waits for its turn or another job; its time or more memory may be hours away."""
    waits_long = job.waiting_for is not None and job.after is None
    return job.state.is_active or (job.state is JobState.QUEUED and not waits_long)


def _nothing() -> dict[str, Any]:
    """What is shown where there are no jobs."""
    return {
        "table": EMPTY,
        "pace": SLOW_S,
        **dict.fromkeys((*VERBS, "clone", "when", "not_before"), False),
        "detail": '<span class="no-job"></span>',
        **dict.fromkeys(("stale", "remedy", "past", "problem"), ""),
    }


def _news(listed: Listed) -> dict[str, Any]:
    """The jobs that ended last, or wait for a person: what the system may be asked to tell."""
    return {
        "news": [
            [f"{job.id}-{job.attempt}-{job.state.value}", run_words.name(job), _telling(job)]
            for job in listed.news
        ]
    }


def _telling(job: Job) -> str:
    return run_words.sentence(job, None).partition("\n")[0][:200]


def _chunk(job: Job, before: Cursor, log_end: int, text: str) -> Any:
    is_new = before.job != job.id
    if not text and not is_new:
        return None
    return Chunk(job.id, before.log_end, log_end, text, is_first=is_new).as_value()


def _number(value: Any) -> int:
    return int(value) if str(value).isdigit() else 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(value: Any) -> Any:
    """A short stand-in for what a window shows; two equal ones mean nothing changed."""
    return f"{hash(value):x}" if isinstance(value, str) else value


PAGE = Page("Jobs", "jobs", 20, "jobs", build)
