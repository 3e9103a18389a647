"""The components of the page New training, and which of them each of its parts updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.ui.checking import SETTLED
from studio.ui.estimating import Shown
from studio.ui.figures import counted_line, figures_line
from studio.ui.markup import heading
from studio.ui.steps import (
    data_step,
    method_step,
    methods_part,
    model_step,
    needs_part,
    review_step,
    step,
)
from studio.ui.steps.step import DATA, METHOD, MODEL, REVIEW, Fields

CURTAIN = '<p class="opening sr" role="status">Opening your form…</p>'


@dataclass(frozen=True)
class Layout:
    """The page's components."""

    start_over: Any
    draft_id: Any
    opened_id: Any
    curtain: Any
    walkthrough: Any
    model: model_step.Controls
    data: data_step.Controls
    method: method_step.Controls
    review: review_step.Controls
    methods: methods_part.Controls
    needs: needs_part.Controls
    shown: Shown
    started: Any

    @property
    def model_shown(self) -> list[Any]:
        """What `model_step.shown` updates."""
        return [self.model.path, self.model.hub, self.model.card, *self.model.earlier.shown]

    @property
    def data_shown(self) -> list[Any]:
        """What `data_step.shown` updates."""
        data = self.data
        parts = [data.drop, data.path, data.findings, data.mapping, data.preview]
        goal = [data.objective_for, *data.goal.shown]
        sources = [data.paste, data.hub.group, data.part, data.reading]
        return [*parts, *data.roles.values(), *goal, *sources, data.problems.card]

    @property
    def roles_shown(self) -> list[Any]:
        """What `Intake.roles_chosen` updates."""
        data = self.data
        return [data.findings, data.preview, data.reading]

    @property
    def method_shown(self) -> list[Any]:
        """What `method_step.shown` updates."""
        picker = self.method.picker
        return [picker.known, picker.about, self.method.settings.form, self.method.problems]

    @property
    def review_shown(self) -> list[Any]:
        """What `review_step.shown` updates."""
        return [self.review.name, self.review.summary, self.review.spec]

    @property
    def start_shown(self) -> list[Any]:
        """What `review_step.busy` updates."""
        review = self.review
        return [self.started, review.problems, review.start, review.stop]


def lay_out(fields: Fields) -> Layout:
    """Make the page's components; the controls go into `fields`."""
    # While it stands there the form takes no clicks: the draft would overwrite what was done sooner.
    curtain = gr.HTML(CURTAIN, elem_id="curtain", apply_default_css=False)
    with gr.Row(elem_classes="head"):
        gr.HTML(heading("New training", "Four steps; everything you choose is kept as you go."))
        start_over = gr.Button(
            "Start over", size="sm", scale=0, min_width=104, elem_id="start-over"
        )
    draft_id, opened_id = gr.Textbox(visible=False), gr.Textbox(visible=False)
    for name in SETTLED:
        fields.add(name, gr.Textbox(visible=False))
    with gr.Walkthrough(selected=MODEL, elem_id="steps") as walkthrough:
        with gr.Step(step.TITLES[MODEL], id=MODEL):
            model = model_step.build(fields)
        with gr.Step(step.TITLES[DATA], id=DATA):
            data = data_step.build(fields)
        with gr.Step(step.TITLES[METHOD], id=METHOD):
            method = method_step.build(fields)
            methods = methods_part.build()
        with gr.Step(step.TITLES[REVIEW], id=REVIEW):
            review = review_step.build(fields)
    needs = needs_part.build()
    shown = Shown(figures_line(), counted_line(), gr.Textbox(visible=False))
    started = gr.Textbox(visible=False)
    return Layout(
        start_over,
        draft_id,
        opened_id,
        curtain,
        walkthrough,
        model,
        data,
        method,
        review,
        methods,
        needs,
        shown,
        started,
    )
