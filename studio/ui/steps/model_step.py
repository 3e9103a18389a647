"""Step 1, the model: the starter, one on this computer, or one from the Hub; and what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from jobs.models import Job
from studio.errors import StudioError
from studio.models import starter
from studio.models.describe import Description, describe
from studio.objectives import OBJECTIVES
from studio.settings import Home
from studio.ui import words
from studio.ui.draft import Draft
from studio.ui.steps import earlier_part, step
from studio.ui.steps.step import Fields, facts_html, note_html, problem_html

# The first line is set off by the style sheet: title, then what to expect.
SOURCES = (
    (
        "The starter model\nSmall and quick, comes with Whetstone. Good for learning how it works.",
        "starter",
    ),
    (
        "A model on this computer\nA folder with .safetensors files, or a single .gguf file.",
        "path",
    ),
    (
        "A model from the Hub\nHugging Face: downloaded once, then kept here.",
        "hub",
    ),
)
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
NO_TEMPLATE = (
    "This model has no chat template, so it is not known how it marks questions and answers. It can "
    "sort texts or continue them; to answer questions choose an instruction-tuned model (its name often "
    "ends in Instruct or Chat)."
)
READS_FIRST = (
    "This model reads with an encoder and writes with a decoder: it can turn one text into another. "
    "For other goals choose a model such as Llama or Qwen."
)
WRITES_ONLY = (
    "To turn one text into another a model with encoder and decoder is needed, such as T5. "
    "Choose one in the first step, or another goal."
)


@dataclass(frozen=True)
class Controls:
    """The step's own components beside the form's fields."""

    path: Any
    hub: Any
    card: Any
    earlier: earlier_part.Controls
    forward: Any


def build(fields: Fields) -> Controls:
    """Make the step's controls."""
    with gr.Column(elem_classes="card"):
        gr.HTML("<h2>Which model should learn?</h2>", apply_default_css=False)
        fields.add(
            "model_from",
            gr.Radio(
                SOURCES,
                value="starter",
                label="Base model",
                show_label=False,
                elem_id="model-from",
                elem_classes="choices",
            ),
        )
        path = fields.add(
            "model_path",
            gr.Textbox(
                label="Folder or .gguf file",
                info="`model.source` · the full path, as your file manager shows it",
                placeholder="/home/me/models/Qwen2.5-0.5B-Instruct",
                max_lines=1,
                visible=False,
                elem_id="model-path",
            ),
        )
        hub = fields.add(
            "model_hub",
            gr.Textbox(
                label="Name on the Hub",
                info="`model.source` · owner and name, as on the model's page",
                placeholder="owner/model-name",
                max_lines=1,
                visible=False,
                elem_id="model-hub",
            ),
        )
        card = gr.HTML(elem_id="model-card", apply_default_css=False)
    earlier = earlier_part.build(fields)
    _, forward = step.navigation(step.MODEL, "Next: data")
    return Controls(path, hub, card, earlier, forward)


def shown(draft: Draft, home: Home, finished: Sequence[Job] | None) -> list[Any]:
    """Updates for path, hub, card and the earlier results; `finished` are all, None where they cannot be
    read now."""
    return [
        gr.Textbox(visible=draft.model_from == "path"),
        gr.Textbox(visible=draft.model_from == "hub"),
        card_html(draft, home),
        *(earlier_part.unchanged() if finished is None else earlier_part.shown(draft, finished)),
    ]


def card_html(draft: Draft, home: Home) -> str:
    """What the chosen model is, or why it cannot be used."""
    if not draft.model_source:
        return ""
    try:
        found = describe_source(draft, home)
    except StudioError as error:
        return problem_html(error.words)
    if found is None:
        return note_html(
            f"{draft.model_source} is downloaded when the training starts, as a job of its own. "
            "How large it is shows there."
        )
    facts = [
        ("Model", starter.TITLE if draft.model_from == "starter" else found.name),
        ("Parameters", f"{words.about(found.parameters)}"),
        ("Size on disk", words.size(found.bytes)),
        ("Kind", found.architecture.family),
        ("Longest text", words.count(found.architecture.max_length, "token")),
        ("Licence", found.licence or "not stated"),
    ]
    note = "" if found.has_chat_template else NO_TEMPLATE
    return facts_html(facts) + note_html(READS_FIRST if _reads_first(found) else note)


def describe_source(draft: Draft, home: Home) -> Description | None:
    """The chosen model's description; None where it must be downloaded first. Raises ModelProblem."""
    if draft.model_from == "starter":
        return describe(starter.find().path)
    if draft.model_from == "path":
        return describe(Path(draft.model_source).expanduser().absolute())
    fetched = sorted(home.models.glob(f"hub--{draft.model_source.replace('/', '--')}--*"))
    return describe(fetched[-1]) if fetched else None


def missing(draft: Draft, home: Home) -> str:
    """Why this step is not done yet, in words; empty when it is."""
    if not draft.model_source:
        return "Type where the model is first."
    if draft.model_from == "hub" and not HUB_ID.fullmatch(draft.model_source):
        return f"'{draft.model_source}' is no name on the Hub. Expected: owner/name."
    try:
        describe_source(draft, home)
    except StudioError as error:
        return error.words
    return earlier_part.missing(draft)


def unsuited(draft: Draft, home: Home) -> str:
    """Why the model cannot be trained for the draft's goal, in words; empty when it can."""
    found = describe_source(draft, home)
    objective = OBJECTIVES[draft.objective]
    if found is None:
        return ""
    if _reads_first(found) != (objective.layout == "decoder"):
        # Encoder-decoders can sort texts as well.
        is_sorting = objective.layout == "classes"
        return "" if is_sorting else READS_FIRST if _reads_first(found) else WRITES_ONLY
    return NO_TEMPLATE if objective.needs_template and not found.has_chat_template else ""


def _reads_first(found: Description) -> bool:
    return bool(found.architecture.config.get("is_encoder_decoder"))


def summary(draft: Draft) -> str:
    """The model in a few words."""
    name = {
        "starter": starter.TITLE,
        "path": Path(draft.model_source).name,
        "hub": draft.model_source,
    }[draft.model_from]
    if not draft.adapter:
        return name
    how = "learning on" if draft.adapter_use == "train" else "merged into it"
    return f"{name}, with the adapter of training {draft.adapter} {how}"
