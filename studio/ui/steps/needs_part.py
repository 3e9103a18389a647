"""What a training takes, below the form: the panel, and the button that makes it fit."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.ui.panel import panel_html
from studio.worker.fitting import Fitting

# The form's controls that a plan may change, by the spec's name.
CHANGED = {
    "training.batch_size": "training.batch_size",
    "training.gradient_accumulation": "training.gradient_accumulation",
    "training.gradient_checkpointing": "training.gradient_checkpointing",
    "training.checkpointed_share": "training.checkpointed_share",
    "training.optimizer": "training.optimizer",
    "model.quantization": "quantization",
    "training.max_length": "training.max_length",
}
TITLES = {
    "training.batch_size": "Examples at a time",
    "training.gradient_accumulation": "Batches before each step",
    "training.gradient_checkpointing": "Save memory, take longer",
    "training.checkpointed_share": "Share of layers computed twice",
    "training.optimizer": "Rule of each step",
    "model.quantization": "Hold the model in fewer bits",
    "training.max_length": "Longest example",
}
# The greyed figures are of an earlier form; whatever arrives here is of the form as it is now.
ARRIVED = "watch('value', () => element.closest('#needs')?.classList.remove('stale'));"


@dataclass(frozen=True)
class Controls:
    """The part's components."""

    card: Any
    panel: Any
    fit: Any
    said: Any
    back: Any
    before: Any

    @property
    def shown(self) -> list[Any]:
        """What `shown` updates."""
        return [self.card, self.panel, self.fit]

    @property
    def fitted(self) -> list[Any]:
        """What `working`, `planned` and `restored` update, before the form's own controls."""
        return [self.said, self.before, self.back]


def build() -> Controls:
    """Make the part's components; nothing is seen of them before the first figures."""
    with gr.Column(elem_classes="card", elem_id="needs", visible=False) as card:
        panel = gr.HTML(elem_id="panel", js_on_load=ARRIVED, apply_default_css=False)
        with gr.Row(elem_classes="fit-row"):
            fit = gr.Button(
                "Make it fit",
                variant="primary",
                elem_id="fit",
                scale=0,
                min_width=150,
                visible=False,
            )
            back = gr.Button(
                "Put it back", elem_id="fit-back", scale=0, min_width=130, visible=False
            )
        said = gr.HTML(elem_id="fit-said", apply_default_css=False)
        before = gr.Textbox(visible=False)
    return Controls(card, panel, fit, said, back, before)


def shown(estimate: Mapping[str, Any] | None) -> list[Any]:
    """Updates for the card, the panel and the button, which is there where the training does not fit."""
    panel = panel_html(estimate)
    fits = ((estimate or {}).get("verdict") or {}).get("fits", True)
    return [gr.Column(visible=bool(panel)), panel, gr.Button(visible=not fits)]


def unchanged() -> list[Any]:
    """Updates that leave everything as it is."""
    return [gr.skip()] * 3


def working(words: str) -> list[Any]:
    """Updates while the search goes on."""
    return [f'<p class="quiet" role="status">{html.escape(words)}</p>', gr.skip(), gr.skip()]


def planned(found: Fitting) -> list[Any]:
    """Updates that say what was changed, and what for."""
    if found.spec is None:
        return [_note(found.words, ()), "", gr.Button(visible=False)]
    before = {CHANGED[change.field]: change.before for change in found.changes}
    items = [
        f"<strong>{html.escape(TITLES[change.field])}: {html.escape(_value(change.before))} "
        f"→ {html.escape(_value(change.after))}</strong><span>{html.escape(change.cost)}</span>"
        for change in found.changes
    ]
    said = _note(found.words, items)
    return [said, json.dumps(before), gr.Button(visible=bool(before))]


def restored() -> list[Any]:
    """Updates once the earlier settings are back."""
    return ["", "", gr.Button(visible=False)]


def _note(words: str, items: Sequence[str]) -> str:
    listed = "".join(f"<li>{item}</li>" for item in items)
    changed = f'<ul class="changes">{listed}</ul>' if listed else ""
    head = "Changed so that it fits. " if listed else ""
    return f'<div class="plan" role="status"><p>{head}{html.escape(words)}</p>{changed}</div>'


def _value(value: Any) -> str:
    """As the form's controls say it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}" if isinstance(value, int) else str(value)
