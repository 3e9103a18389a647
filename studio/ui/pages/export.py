"""Export: a finished training in a form that other programs open, checked before it is offered."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr

from jobs.errors import NoSuchJob, StoreBusy
from jobs.models import Job, JobState
from studio.errors import AskedWrongly
from studio.formats import FORMATS
from studio.ui import combining, downloads, run_words, runs, words
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.folders import show_folder
from studio.ui.form import Control, controls, values
from studio.ui.markup import heading, icon
from studio.ui.pages.page import Page
from studio.ui.wiring import QUIET, TELLING, opening

FAST_S, SLOW_S = 1, 10
# A larger zip is better fetched from its folder than through the browser.
LARGEST_DOWNLOAD_BYTES = 8 * 10**9
EXPORTS_SHOWN = 20
FIRST = next(iter(FORMATS))

LIST_SCRIPT = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-folder]');
  if (!button) return;
  props.value = { ...props.value, wanted: button.dataset.folder };
  trigger('select');
});
document.addEventListener('visibilitychange', () => { if (!document.hidden) trigger('input'); });
"""
TICK_SCRIPT = "(run, shown) => [run, {...(shown || {}), hidden: document.hidden}]"


def build(backstage: Backstage) -> None:
    """Make the page's components and wire them."""
    layout = lay_out()
    view = View(backstage, {name: [one for one, _ in it] for name, it in layout.settings.items()})
    wire(view, layout)
    combining.wire(layout.combined, backstage)


@dataclass(frozen=True)
class Layout:
    """The page's components; `settings` are each format's controls with what they are made from."""

    nothing: Any
    card: Any
    run: Any
    format: Any
    groups: list[Any]
    settings: dict[str, list[tuple[Control, Any]]]
    start: Any
    results: Any
    exports: Any
    combined: combining.Controls


def lay_out() -> Layout:
    """Make the page's components."""
    gr.HTML(heading("Export", "The trained model as files; each is checked before you get it."))
    nothing = gr.HTML(elem_id="no-runs", apply_default_css=False)
    with gr.Column(elem_classes="card", visible=False) as card:
        run = runs.chooser("export-run")
        chosen = gr.Radio(
            [
                (f"{each.title}\n{each.sentence} Opens with {each.opens_with}.", each.name)
                for each in FORMATS.values()
            ],
            value=FIRST,
            label="Format",
            show_label=False,
            elem_id="format",
            elem_classes="choices",
        )
        groups, settings = _settings()
        with gr.Row(elem_classes="step-foot"):
            start = gr.Button("Export", variant="primary", scale=0, min_width=150, elem_id="export")
    with gr.Column(elem_classes="card", visible=False) as results:
        gr.HTML("<h2>Exports of this training</h2>", apply_default_css=False)
        exports = gr.HTML(
            value={"html": ""},
            html_template="${value.html}",
            js_on_load=LIST_SCRIPT,
            elem_id="exports",
            apply_default_css=False,
        )
    combined = combining.build()
    return Layout(nothing, card, run, chosen, groups, settings, start, results, exports, combined)


def _settings() -> tuple[list[Any], dict[str, list[tuple[Control, Any]]]]:
    """A group of controls for each format; only the chosen format's are shown."""
    groups = []
    made: dict[str, list[tuple[Control, Any]]] = {}
    for each in FORMATS.values():
        these = controls(each.settings)
        with gr.Row(visible=each.name == FIRST and bool(these), elem_classes="settings") as group:
            made[each.name] = [
                (one, one.component(elem_id=f"{each.name}-{one.name}")) for one in these
            ]
        groups.append(group)
    return groups, made


def wire(view: View, layout: Layout) -> None:
    """Opening, choosing, exporting, and the one tick."""
    shown = gr.JSON(visible=False)
    timer = gr.Timer(FAST_S)
    run, exports = layout.run, layout.exports
    parts = [part for pairs in layout.settings.values() for _, part in pairs]
    combined = [layout.combined.card, layout.combined.parts]
    opened = [layout.nothing, layout.card, layout.results, run, *combined]
    runs.keep_offering(run, view.backstage)
    gr.on([opening()], spoken(view.open), None, opened, **QUIET)
    layout.format.change(view.choose, layout.format, layout.groups, **QUIET)
    gr.on(
        [timer.tick, run.change, exports.input],
        spoken(view.tick),
        [run, shown],
        [exports, shown, timer],
        js=TICK_SCRIPT,
        trigger_mode="always_last",
        **QUIET,
    )
    run.change(None, run, run, js=runs.KEEP_ADDRESS)
    exports.select(spoken(view.show), exports, None, **QUIET)
    layout.start.click(spoken(view.start), [run, layout.format, *parts], timer, **TELLING)


class View:
    """Makes what the page shows out of the queue."""

    def __init__(self, backstage: Backstage, settings: dict[str, list[Control]]) -> None:
        self.backstage = backstage
        self.settings = settings

    def open(self, request: gr.Request) -> list[Any]:
        """The finished runs to choose from."""
        chooser, chosen = runs.offered(self.backstage, request)
        is_there = gr.Column(visible=bool(chosen))
        nothing = "" if chosen else runs.NOTHING
        return [nothing, is_there, is_there, chooser, *combining.opened(self.backstage)]

    def choose(self, name: str) -> list[Any]:
        """Show the settings of the chosen format."""
        return [gr.Row(visible=each == name and bool(self.settings[each])) for each in FORMATS]

    def start(self, run: str, name: str, *shown: Any) -> Any:
        """Queue the export with the settings of its format."""
        if not run:
            raise AskedWrongly("Choose a training first.")
        wanted: dict[str, Any] = {}
        place = 0
        for each, these in self.settings.items():
            mine = shown[place : place + len(these)]
            place += len(these)
            if each == name:
                by_name = dict(zip((one.name for one in these), mine, strict=True))
                wanted = values(tuple(these), by_name)
        job = self.backstage.orders.export(int(run), name, wanted, None)
        gr.Info("It shows below how far it is.", title=job.name)
        return gr.Timer(FAST_S)

    def tick(self, run: str, shown: Any) -> list[Any]:
        """The list of exports, where it changed since this window's last tick."""
        before = shown if isinstance(shown, dict) else {}
        # What is known to be shown is never skipped, as in the Jobs page.
        if before.get("hidden") or not run:
            return [gr.skip(), {"list": before.get("list"), "pace": SLOW_S}, gr.Timer(SLOW_S)]
        try:
            jobs = exports_of(self.backstage, int(run))
        except StoreBusy:
            return [gr.skip(), before, gr.skip()]
        listed = "".join(self._card(job) for job in jobs)
        listed = listed or '<p class="quiet">None yet. Choose a format above.</p>'
        pace = FAST_S if any(not job.state.is_ended for job in jobs) else SLOW_S
        after = {"list": f"{hash(listed):x}", "pace": pace}
        return [
            {"html": listed} if before.get("list") != after["list"] else gr.skip(),
            after,
            gr.Timer(pace) if before.get("pace") != pace else gr.skip(),
        ]

    def show(self, value: Any) -> None:
        """Show an export's folder in the file manager; only one that a job wrote."""
        wanted = str((value or {}).get("wanted", ""))
        if not wanted.isdigit():
            raise NoSuchJob(0)
        job = self.backstage.orders.queue.store.job(int(wanted))
        show_folder(downloads.exported_folder(job))

    def _card(self, job: Job) -> str:
        made = run_words.progress(self.backstage.orders.queue.folder(job.id))
        return export_html(job, run_words.sentence(job, made))


def exports_of(backstage: Backstage, run: int) -> list[Job]:
    """The export jobs of a training, newest first."""
    jobs = backstage.orders.queue.store.jobs(task="export")
    mine = [job for job in jobs if job.spec.get("job") == run]
    return sorted(mine, key=lambda job: -job.id)[:EXPORTS_SHOWN]


def export_html(job: Job, sentence: str) -> str:
    """One export: where it stands, what its check found, and how to get it."""
    name = str(job.spec.get("format", ""))
    title = FORMATS[name].title if name in FORMATS else name
    state = html.escape(run_words.state_words(job))
    mark = icon("check") if job.state is JobState.SUCCEEDED else ""
    inside = (
        _finished(job)
        if job.state is JobState.SUCCEEDED
        else f'<p class="sentence{" problem" if job.state is JobState.FAILED else ""}">'
        f"{html.escape(sentence)}</p>"
    )
    return (
        f'<article class="export" data-job="{job.id}"><div class="job-title">'
        f"<h3>{html.escape(title)}</h3>"
        f'<span class="pill {job.state}">{mark}{state}</span>'
        f'<span class="quiet">{words.moment(job.created_at)}</span></div>{inside}</article>'
    )


def _finished(job: Job) -> str:
    result = job.result or {}
    files = result.get("files") or []
    total = sum(int(file.get("bytes", 0)) for file in files)
    path = str(result.get("path", ""))
    about = f"{words.count(len(files), 'file')}, {words.size(total)}" if files else ""
    download = ""
    if total <= LARGEST_DOWNLOAD_BYTES:
        address = downloads.address(job.id)
        download = f'<a class="button primary" href="{address}" download>Download</a>'
    return (
        f"{verified_html(result)}"
        f'<p class="quiet">{about} · <code>{html.escape(path)}</code></p>'
        f'<p class="next">{download}<button type="button" class="plain" data-folder="{job.id}">'
        f"{icon('folder')}Show in folder</button></p>"
    )


def verified_html(result: dict[str, Any]) -> str:
    """What the export's check found, in words; the figures beside them."""
    difference = result.get("difference") or {}
    if not result.get("verified"):
        return (
            f'<div class="note bad">{icon("warning")}<p>This export was not verified. '
            "Do not rely on it.</p></div>"
        )
    parts = []
    if isinstance(difference.get("argmax_equal"), int | float):
        share = words.share(difference["argmax_equal"], 1)
        parts.append(f"same next word in {share} of all places")
    if isinstance(difference.get("max_logit"), int | float):
        parts.append(f"largest difference {difference['max_logit']:.2g} (logits)")
    if isinstance(difference.get("kl"), int | float):
        parts.append(f"{difference['kl']:.2g} nats (KL)")
    figures = f'<p class="quiet">{html.escape("; ".join(parts))}</p>' if parts else ""
    return (
        f'<div class="findings good verified">{icon("check")}<div><p><strong>Verified.</strong> '
        "Opened afresh, it answers like the model you trained, not like the one before.</p>"
        f"{figures}</div></div>"
    )


PAGE = Page("Export", "export", 40, "export", build)
