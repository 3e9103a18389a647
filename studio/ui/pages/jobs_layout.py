"""The Jobs page's components and how they are wired; what they show is made in `jobs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import gradio as gr

from studio.ui import job_list
from studio.ui.log_view import log_view
from studio.ui.markup import heading
from studio.ui.wiring import QUIET, TELLING, opening

TOOLS = """<div class="tools">
<a class="button" id="compare" hidden></a>
<button class="plain small" id="tell" hidden>Tell me when a job ends</button>
</div>"""
# The system asks for leave once; after that this window tells of what ended since it was opened.
NEWS_SCRIPT = """
let known = null;
watch('value', () => {
  const news = Array.isArray(props.value) ? props.value : [];
  const fresh = known === null ? [] : news.filter(each => !known.has(each[0]));
  known = new Set([...(known || []), ...news.map(each => each[0])]);
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  fresh.forEach(each => new Notification(each[1], { body: each[2], tag: each[0] }));
});
"""
TOOLS_SCRIPT = """
const tell = element.querySelector('#tell');
tell.hidden = !('Notification' in window) || Notification.permission !== 'default';
tell.addEventListener('click', async () => {
  await Notification.requestPermission();
  tell.hidden = Notification.permission !== 'default';
});
"""
CANCEL = """<dialog id="cancel-dialog" aria-label="Cancel this job?"><h2>Cancel this job?</h2>
<p>It stops at once. What it saved stays, and it can be tried again later.</p>
<p class="next"><button class="plain" data-keep>Keep it</button>
<button class="plain stop" id="cancel-sure">Cancel the job</button></p></dialog>"""
CANCEL_SCRIPT = """
const dialog = element.querySelector('dialog');
element.querySelector('[data-keep]').addEventListener('click', () => dialog.close());
element.querySelector('#cancel-sure').addEventListener('click', () => {
  dialog.close();
  trigger('select');
});
"""
ASK_CANCEL = "() => { document.querySelector('#cancel-dialog').showModal(); }"
TICK = "(cursor, words) => [{...(cursor || {}), hidden: document.hidden}, words]"
# After something was done, the page looks at once instead of at the next tick.
LOOK = "() => { document.dispatchEvent(new Event('whetstone-look')); }"
LOOK_SCRIPT = """
const look = () => { if (!document.hidden) trigger('select'); };
document.addEventListener('visibilitychange', look);
document.addEventListener('whetstone-look', look);
"""
GO_TO_DRAFT = "(id) => { if (id) location.assign('/?draft=' + id); return [id]; }"
COPY = "async (text) => { await navigator.clipboard.writeText(text); return [text]; }"


WHEN = {
    "": "At any time",
    "22:00-06:00": "At night only, 22:00 to 6:00",
    "18:00-08:00": "Outside working hours, 18:00 to 8:00",
}


@dataclass(frozen=True)
class Layout:
    """The page's components by name; `OUTPUTS` is the order in which a tick gives their values."""

    parts: dict[str, Any]

    OUTPUTS: ClassVar[tuple[str, ...]] = (
        *(
            "stale",
            "table",
            "past",
            "comparison",
            "detail",
            "problem",
            "figures",
            "drawing",
            "events",
            "note",
            "news",
        ),
        *("pause", "resume", "retry", "cancel", "clone", "remedy", "when", "not_before"),
        *("log", "pace"),
    )
    BUTTONS: ClassVar[tuple[str, ...]] = ("pause", "resume", "retry", "cancel", "clone")

    @classmethod
    def update(cls, name: str, value: Any) -> Any:
        """The update of a component that is to show `value`."""
        if name in cls.BUTTONS:
            return gr.Button(visible=value)
        if name == "remedy":
            return gr.Button(value=value or "Try again", visible=bool(value))
        if name == "pace":
            return gr.Timer(value)
        if name == "when":
            return gr.Dropdown(
                value=value or "", visible=value is not False, allow_custom_value=True
            )
        if name == "not_before":
            return gr.Textbox(value=value or "", visible=value is not False)
        if name in ("table", "past"):
            return {"html": value}
        return value[1] if name == "note" else value

    @property
    def outputs(self) -> list[Any]:
        """The components in the order of a tick's values; the cursor comes last."""
        return [self.parts[name] for name in (*self.OUTPUTS, "cursor")]

    def on_click(self, name: str, handler: Callable[..., Any]) -> None:
        """Call a handler at a button's click, then look."""
        self.parts[name].click(handler, None, None, **TELLING).then(None, js=LOOK)

    def on_asked(self, handler: Callable[..., Any]) -> None:
        """Call a handler with what was asked for in a list, then look."""
        for name in ("table", "past"):
            asked = self.parts[name].input(
                handler, self.parts[name], None, js="(value) => [value.asked]", **QUIET
            )
            asked.then(None, js=LOOK)

    def on_clone(self, handler: Callable[..., Any]) -> None:
        """Call a handler that gives a draft's number, then go to its form."""
        made = self.parts["clone"].click(handler, None, self.parts["draft"], **QUIET)
        made.then(None, self.parts["draft"], None, js=GO_TO_DRAFT)

    def on_note(self, handler: Callable[..., Any]) -> None:
        """Call a handler with the note once the field is left."""
        self.parts["note"].blur(handler, self.parts["note"], None, **QUIET).then(None, js=LOOK)

    def on_when(self, handler: Callable[..., Any]) -> None:
        """Call a handler with the hours and the moment chosen."""
        when, not_before = self.parts["when"], self.parts["not_before"]
        for event in (when.input, not_before.submit, not_before.blur):
            event(handler, [when, not_before], None, **QUIET).then(None, js=LOOK)

    def on_search_log(self, handler: Callable[..., Any]) -> None:
        """Show what a handler finds of the words in the log's search field."""
        words, found = self.parts["log_words"], self.parts["found"]
        words.change(handler, words, found, trigger_mode="always_last", **QUIET)

    def on_report(self, handler: Callable[..., Any]) -> None:
        """Copy the text that a handler gives."""
        text = self.parts["report_text"]
        made = self.parts["report"].click(handler, None, text, **TELLING)
        made.then(None, text, None, js=COPY)


def lay_out(fast_s: float) -> Layout:
    """Make the page's components."""
    gr.HTML(heading("Jobs", "What runs, what waits, and what is done."), elem_classes="head")
    parts: dict[str, Any] = {}
    with gr.Column(elem_classes="card"):
        with gr.Row(elem_classes="list-head"):
            parts["words"] = gr.Textbox(
                placeholder="Search names, notes, kinds, states",
                show_label=False,
                label="Search",
                elem_id="search",
            )
            gr.HTML(TOOLS, js_on_load=TOOLS_SCRIPT, apply_default_css=False)
        parts["stale"] = gr.HTML(elem_id="jobs-stale", apply_default_css=False)
        with gr.Column(elem_id="jobs-table"):
            for name in ("table", "past"):
                parts[name] = gr.HTML(
                    value={"html": ""},
                    html_template="${value.html}",
                    js_on_load=job_list.SCRIPT,
                    elem_id=f"jobs-{'live' if name == 'table' else name}",
                    apply_default_css=False,
                )
    parts["comparison"] = gr.HTML(elem_id="comparison", apply_default_css=False)
    with gr.Column(elem_classes="card", elem_id="job"):
        _lay_out_run(parts)
    parts["look"] = gr.HTML(js_on_load=LOOK_SCRIPT, elem_classes="hidden-field")
    parts["news"] = gr.HTML(
        value=[], html_template="", js_on_load=NEWS_SCRIPT, elem_classes="hidden-field"
    )
    for name in ("draft", "report_text"):
        parts[name] = gr.Textbox(visible=False)
    parts["cursor"] = gr.JSON(visible=False)
    parts["pace"] = gr.Timer(fast_s)
    return Layout(parts)


def _lay_out_run(parts: dict[str, Any]) -> None:
    """The chosen job: what it is and does, its curves, note, events and log."""

    def button(name: str, words: str, **options: Any) -> None:
        parts[name] = gr.Button(words, size="sm", visible=False, elem_id=name, **options)

    def piece(name: str) -> None:
        parts[name] = gr.HTML(elem_id=f"job-{name}", apply_default_css=False)

    with gr.Row(elem_classes="job-head"):
        piece("detail")
        with gr.Row(elem_classes="actions"):
            button("pause", "Pause")
            button("resume", "Resume")
            button("retry", "Try again")
            button("clone", "Copy with changes")
            button("cancel", "Cancel", variant="stop")
    piece("problem")
    button("remedy", "Try again", variant="primary")
    piece("figures")
    parts["drawing"] = gr.HTML(elem_id="job-curve", apply_default_css=False)
    parts["note"] = gr.Textbox(
        label="Note", placeholder="What is worth remembering of it", lines=1, elem_id="note"
    )
    with gr.Row():
        parts["when"] = gr.Dropdown(
            choices=[(words, hours) for hours, words in WHEN.items()],
            value="",
            label="When it may run",
            info="`hours` · choose, or type hours such as 21:00-05:00",
            allow_custom_value=True,
            visible=False,
            elem_id="when",
        )
        parts["not_before"] = gr.Textbox(
            label="Not before",
            info="`not before` · 22:00, a day such as 2026-12-24, or both; empty for now",
            placeholder="now",
            visible=False,
            elem_id="not-before",
        )
    with gr.Row(elem_classes="log-head"):
        parts["log_words"] = gr.Textbox(
            placeholder="Search the whole log",
            show_label=False,
            label="Search the log",
            elem_id="log-search",
        )
        parts["report"] = gr.Button(
            "Copy for a bug report", size="sm", scale=0, min_width=180, elem_id="bug-report"
        )
    piece("found")
    parts["log"] = log_view("job-log")
    piece("events")
    parts["sure"] = gr.HTML(CANCEL, js_on_load=CANCEL_SCRIPT, apply_default_css=False)


def wire(
    layout: Layout, *, tick: Callable[..., Any], act: Mapping[str, Callable[..., Any]]
) -> None:
    """One tick for all causes to look: two at once would append the same piece of log twice."""
    parts = layout.parts
    # Not `input`, which Gradio's text fields tell of keys only: not of pasting, erasing or dictating.
    triggers = [parts["pace"].tick, parts["look"].select, parts["words"].change, opening()]
    gr.on(
        [*triggers, parts["table"].select, parts["past"].select],
        tick,
        [parts["cursor"], parts["words"]],
        layout.outputs,
        js=TICK,
        trigger_mode="always_last",
        **QUIET,
    )
    for verb, handler in act.items():
        if verb != "cancel":
            layout.on_click(verb, handler)
    parts["cancel"].click(None, js=ASK_CANCEL)
    parts["sure"].select(act["cancel"], None, None, **TELLING).then(None, js=LOOK)
