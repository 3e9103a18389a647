"""Going on from an earlier result: which finished training, and what becomes of its adapter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from jobs.models import Job
from studio.orders.continuing import leaves_adapter
from studio.spec import ModelChoice
from studio.ui import runs
from studio.ui.draft import Draft
from studio.ui.steps.step import Fields

FRESH = ("Begin with the model as it is", "")
USES = (
    (
        "Let its adapter learn on\nThe same method with the same settings goes on where that one ended.",
        "train",
    ),
    (
        "Keep it, and learn something new on top\nIt becomes part of the model and stays as it is; any "
        "method can follow.",
        "merge",
    ),
)


@dataclass(frozen=True)
class Controls:
    """The part's components; `shown` updates all of them."""

    card: Any
    run: Any
    use: Any

    @property
    def shown(self) -> list[Any]:
        """What `shown` updates."""
        return [self.card, self.run, self.use]


def build(fields: Fields) -> Controls:
    """Make the part's controls, which are hidden while there is nothing to go on from."""
    asked = ModelChoice.model_fields["adapter"]
    with gr.Column(elem_classes="card", visible=False) as card:
        gr.HTML("<h2>Go on from an earlier result?</h2>", apply_default_css=False)
        run = fields.add(
            "adapter",
            # A window may show a choice that a restarted server does not know yet.
            gr.Dropdown(
                choices=[FRESH],
                value="",
                label=asked.title,
                info="`model.adapter` · your finished trainings on this model",
                allow_custom_value=True,
                elem_id="adapter",
            ),
        )
        use = fields.add(
            "adapter_use",
            gr.Radio(
                USES,
                value="train",
                label=ModelChoice.model_fields["adapter_use"].title,
                show_label=False,
                visible=False,
                elem_id="adapter-use",
                elem_classes="choices",
            ),
        )
    return Controls(card, run, use)


def shown(draft: Draft, finished: Sequence[Job]) -> list[Any]:
    """Updates for card, run and use: the finished trainings on the draft's base, newest first."""
    jobs = on_base(draft, finished)
    choices = [FRESH, *runs.choices_of(jobs)]
    chosen = draft.adapter if draft.adapter in {number for _, number in choices} else ""
    return [
        gr.Column(visible=bool(jobs)),
        gr.Dropdown(choices=choices, value=chosen),
        gr.Radio(visible=bool(chosen)),
    ]


def unchanged() -> list[Any]:
    """Updates that leave the part as it is."""
    return [gr.skip()] * 3


def missing(draft: Draft) -> str:
    """Why the choice cannot be used, in words; empty where it can."""
    if draft.adapter and not draft.adapter.isdigit():
        return f"'{draft.adapter}' is none of your finished trainings. Choose one of the list."
    return ""


def on_base(draft: Draft, finished: Sequence[Job]) -> list[Job]:
    """Those that left an adapter for the draft's base, newest first."""
    mine = [
        job
        for job in finished
        if leaves_adapter(job) and job.spec.get("base", {}).get("source") == draft.base_source
    ]
    return sorted(mine, key=lambda job: -(job.ended_at or 0))


def taken(run: str, use: str, said: str, finished: Sequence[Job]) -> list[Any]:
    """The method, what the settings' form then says, and the bits of the base: those of the run whose
    adapter learns on, for only they go with it."""
    spec = next((job.spec["spec"] for job in finished if str(job.id) == run), None)
    if spec is None or use != "train":
        return [gr.skip()] * 3
    theirs = Draft.of_spec(spec)
    settings = {**json.loads(said or "{}"), theirs.method: theirs.settings[theirs.method]}
    return [theirs.method, json.dumps(settings), theirs.quantization]
