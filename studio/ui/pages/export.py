"""Export: a finished training in a form that other programs open, checked before it is offered."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from jobs.errors import NoSuchJob, StoreBusy
from jobs.models import Job, JobState
from studio.errors import AskedWrongly
from studio.formats import FORMATS
from studio.ui import downloads, run_words, runs, words
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.folders import show_folder
from studio.ui.form import Control, controls, values
from studio.ui.markup import heading, icon
from studio.ui.pages.page import Page
from studio.ui.wiring import QUIET, opening

FAST_S, SLOW_S = 1, 10
# A larger zip is better fetched from its folder than through the browser.
LARGEST_DOWNLOAD_BYTES = 8 * 10**9
EXPORTS_SHOWN = 20

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
    view = View(backstage)
    gr.HTML(heading("Export", "Take the trained model away; every export is checked before you get it."))
    nothing = gr.HTML(elem_id="no-runs", apply_default_css=False)
    settings: dict[str, list[tuple[Control, Any]]] = {}
    groups = []
    with gr.Column(elem_classes="card", visible=False) as card:
        run = runs.chooser("export-run")
        chosen = gr.Radio(
            [
                (f"{each.title}\n{each.sentence} Opens with {each.opens_with}.", each.name)
                for each in FORMATS.values()
            ],
            value=next(iter(FORMATS)),
            label="Format",
            show_label=False,
            elem_id="format",
            elem_classes="choices",
        )
        for each in FORMATS.values():
            these = controls(each.settings)
            is_first = each.name == next(iter(FORMATS))
            with gr.Row(visible=is_first and bool(these), elem_classes="settings") as group:
                settings[each.name] = [
                    (one, one.component(elem_id=f"{each.name}-{one.name}")) for one in these
                ]
            groups.append(group)
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
    shown = gr.JSON(visible=False)
    timer = gr.Timer(FAST_S)
    view.settings = {name: [one for one, _ in pairs] for name, pairs in settings.items()}
    parts = [part for pairs in settings.values() for _, part in pairs]
    gr.on([opening()], spoken(view.open), None, [nothing, card, results, run], **QUIET)
    chosen.change(
        lambda name: [
            gr.Row(visible=each == name and bool(view.settings[each])) for each in FORMATS
        ],
        chosen,
        groups,
        **QUIET,
    )
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
    start.click(spoken(view.start), [run, chosen, *parts], timer, **QUIET)


class View:
    """Makes what the page shows out of the queue."""

    settings: dict[str, list[Control]]

    def __init__(self, backstage: Backstage) -> None:
        self.backstage = backstage

    def open(self, request: gr.Request) -> list[Any]:
        """The finished runs to choose from."""
        chooser, chosen = runs.offered(self.backstage, request)
        is_there = gr.Column(visible=bool(chosen))
        return ["" if chosen else runs.NOTHING, is_there, is_there, chooser]

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
        if before.get("hidden") or not run:
            return [gr.skip(), gr.skip(), gr.Timer(SLOW_S)]
        try:
            jobs = exports_of(self.backstage, int(run))
        except StoreBusy:
            return [gr.skip()] * 3
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
