"""Step 3, the method: how the model learns, and the settings that go with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import AskedWrongly
from studio.methods import METHODS, Base
from studio.objectives import OBJECTIVES
from studio.spec import ModelChoice, Training
from studio.spec.places import missing as missing_here
from studio.ui.draft import Draft
from studio.ui.form import Control, control, controls
from studio.ui.steps import picker_part, rate_part, settings_part, step
from studio.ui.steps.step import Fields, problem_html

# Which of the spec's training settings the page offers; their level says where.
TRAINING = (
    "epochs",
    "learning_rate",
    "batch_size",
    "max_length",
    "gradient_accumulation",
    "tokens_per_batch",
    "scheduler",
    "warmup_ratio",
    "weight_decay",
    "optimizer",
    "gradient_checkpointing",
    "checkpointed_share",
    "early_stopping",
    "on_spike",
    "offload",
    "processes",
    "sharding",
    "seed",
)


@dataclass(frozen=True)
class Controls:
    """The step's own components beside the form's fields."""

    picker: picker_part.Picker
    settings: settings_part.Controls
    tried: Any
    rate: rate_part.Controls
    problems: Any
    back: Any
    forward: Any


def build(fields: Fields) -> Controls:
    """Make the step's controls."""
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>How should it learn?</h2>", apply_default_css=False)
        picker = picker_part.build(fields)
    with gr.Column(elem_classes="card"):
        settings = settings_part.build(fields)
        tried = gr.HTML(elem_id="tried", apply_default_css=False)
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>Settings of the training</h2>", apply_default_css=False)
        with gr.Row(elem_classes="settings"):
            _training(fields, "basic")
        rate = rate_part.build()
        rate_part.wire(rate, fields.components["training.learning_rate"])
        with (
            gr.Accordion("More settings", open=False, elem_classes="more-settings"),
            gr.Row(elem_classes="settings"),
        ):
            _training(fields, "advanced")
            fields.add("quantization", _bits())
        problems = gr.HTML(elem_id="problems", apply_default_css=False)
    back, forward = step.navigation(step.METHOD, "Next: review")
    picker_part.wire(picker, fields)
    return Controls(picker, settings, tried, rate, problems, back, forward)


def _training(fields: Fields, level: str) -> None:
    for each in training_controls():
        if each.level != level:
            continue
        # Empty where the method chooses: its own rate is filled in when the spec is read.
        value = None if each.name == "learning_rate" else each.default
        fields.add(f"training.{each.name}", each.component(value, elem_id=f"training-{each.name}"))


def _bits() -> Any:
    """In how few bits the base is held: as the method wants it, unless chosen otherwise."""
    asked = control("quantization", ModelChoice.model_fields["quantization"])
    return gr.Dropdown(
        [("as the method wants it", ""), *asked.choices],
        value=Draft().quantization,
        label=asked.title,
        info=asked.help,
        elem_id="quantization",
    )


def training_controls() -> list[Control]:
    """The controls of the spec's training section that the page offers."""
    return [control(name, Training.model_fields[name]) for name in TRAINING]


def shown(draft: Draft, base: Base | None, said: str = "") -> list[Any]:
    """Updates for the picker, the method's settings and the problems; `base` is the model as methods see
    it, where that is known; `said` is what the settings' form says."""
    return [
        # One that it does not offer now leaves it without a choice.
        gr.Radio(value=draft.method),
        picker_part.about_html(draft.method),
        settings_part.shown(draft, base, said),
        problem_html(problems(draft)),
    ]


def problems(draft: Draft) -> str:
    """Every setting that cannot be used, by the name that the form gives it; empty when all can."""
    try:
        found = missing_here(draft.to_spec().training)
    except AskedWrongly as error:
        found = [*error.fields]
    titles = field_titles(draft)
    lines = [
        f"{titles.get(problem.field, problem.field)}: {problem.words}"
        for problem in found
        if not problem.field.startswith(("data.", "model.source", "model.revision"))
    ]
    return " ".join(lines)


def missing(draft: Draft) -> str:
    """Why this step is not done yet, in words; empty when it is."""
    return problems(draft)


def field_titles(draft: Draft) -> dict[str, str]:
    """The form's name of each of the spec's fields."""
    titles = {f"training.{each.name}": each.title for each in training_controls()}
    settings = controls(METHODS[draft.method].settings)
    titles |= {f"method.{each.name}": each.title for each in settings}
    goal = controls(OBJECTIVES[draft.objective].settings)
    titles |= {f"objective.{each.name}": each.title for each in goal}
    titles["method.name"] = "Method"
    titles["data.held_out"] = "Share kept back for checking"
    for name in ("quantization", "adapter", "adapter_use"):
        titles[f"model.{name}"] = str(ModelChoice.model_fields[name].title)
    return titles


def summary(draft: Draft) -> str:
    """The method in a few words."""
    epochs = draft.training.get("epochs") or Training.model_fields["epochs"].default
    passes = f"{epochs} pass{'' if epochs == 1 else 'es'} over the examples"
    basic = [
        f"{each.title.lower()} {draft.settings.get(draft.method, {}).get(each.name, each.default)}"
        for each in controls(METHODS[draft.method].settings)
        if each.level == "basic"
    ]
    return ", ".join([METHODS[draft.method].title, passes, *basic])
