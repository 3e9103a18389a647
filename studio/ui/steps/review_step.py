"""Step 4, review and start: everything chosen on one card, a name, and the start."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import AskedWrongly
from studio.ui.draft import Draft, default_name
from studio.ui.own_data import OwnData
from studio.ui.steps import data_step, goal_part, method_step, model_step, step
from studio.ui.steps.step import Fields, progress_html
from studio.ui.waiting import Step


@dataclass(frozen=True)
class Controls:
    """The step's own components beside the form's fields."""

    name: Any
    summary: Any
    spec: Any
    problems: Any
    start: Any
    stop: Any
    back: Any


def build(fields: Fields) -> Controls:
    """Make the step's controls."""
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>Ready to start?</h2>", apply_default_css=False)
        summary = gr.HTML(elem_id="summary", apply_default_css=False)
        name = fields.add(
            "name",
            gr.Textbox(
                label="Name of this training",
                info="`name` · how you will find it again",
                max_lines=1,
                elem_id="name",
            ),
        )
        with gr.Accordion("The same as a file", open=False, elem_classes="more-settings"):
            spec = gr.HTML(elem_id="spec", apply_default_css=False)
        problems = gr.HTML(elem_id="start-problems", apply_default_css=False)
    with gr.Row(elem_classes="step-foot"):
        back = gr.Button("Back", elem_id=f"back-{step.REVIEW}", scale=0, min_width=96)
        stop = gr.Button("Stop", visible=False, elem_id="stop-start", scale=0, min_width=96)
        start = gr.Button(
            "Start training", variant="primary", elem_id="start", scale=0, min_width=190
        )
    return Controls(name, summary, spec, problems, start, stop, back)


def shown(draft: Draft, data: OwnData) -> list[Any]:
    """Updates for name, summary and spec."""
    rows = (
        ("Model", model_step.summary(draft), step.MODEL),
        ("Data", data_step.summary(draft, data) if draft.data_file else "none chosen", step.DATA),
        ("Goal", goal_part.summary(draft), step.DATA),
        ("Method", method_step.summary(draft), step.METHOD),
    )
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{html.escape(value)}</dd></div>" for name, value, _ in rows
    )
    return [
        gr.Textbox(placeholder=default_name(draft)),
        f'<dl class="summary">{cells}</dl>',
        spec_html(draft),
    ]


def busy(how_far: Step) -> list[Any]:
    """Updates for the job's number, problems, Start and Stop while a training is made ready for the queue."""
    said = f"Getting ready: {how_far.words}" if how_far.words else "Getting ready …"
    bar = progress_html(how_far.share, said, "Getting ready")
    return ["", bar, gr.Button(interactive=False), gr.Button(visible=True)]


def idle(words: str, job: str = "") -> list[Any]:
    """The same updates once that is over: `words` as HTML, and the job's number where it is in the queue."""
    return [job, words, gr.Button(interactive=True), gr.Button(visible=False)]


def spec_html(draft: Draft) -> str:
    """The spec as JSON, for `python launch.py train FILE`; what is wrong with it instead."""
    try:
        document = draft.to_spec().to_json()
    except AskedWrongly as error:
        return f'<p class="quiet">{html.escape(error.words)}</p>'
    text = html.escape(json.dumps(document, indent=1, ensure_ascii=False))
    return (
        '<p class="quiet">Save this as a .json file and start it with '
        "<code>python launch.py train FILE</code>.</p>"
        f'<pre class="spec" tabindex="0">{text}</pre>'
    )
