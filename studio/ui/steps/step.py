"""What the steps of the walkthrough have in common."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from studio.ui.markup import icon

MODEL, DATA, METHOD, REVIEW = range(4)
TITLES = ("Model", "Data", "Method", "Review & start")


@dataclass
class Fields:
    """The controls whose values make the draft, by the draft's own names (`settings.lora.rank`)."""

    components: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, component: Any) -> Any:
        """Take a control into the form; gives it back."""
        self.components[name] = component
        return component

    @property
    def inputs(self) -> list[Any]:
        """The controls in the order in which `values` reads them."""
        return list(self.components.values())

    def values(self, shown: Sequence[Any]) -> dict[str, Any]:
        """The controls' values by name."""
        return dict(zip(self.components, shown, strict=True))


def navigation(number: int, following: str = "") -> tuple[Any, Any]:
    """The buttons at the foot of a step: back, and on to the next; None where there is none."""
    back = forward = None
    with gr.Row(elem_classes="step-foot"):
        if number > MODEL:
            back = gr.Button("Back", elem_id=f"back-{number}", scale=0, min_width=96)
        if following:
            forward = gr.Button(
                following, variant="primary", elem_id=f"next-{number}", scale=0, min_width=190
            )
    return back, forward


def problem_html(words: str) -> str:
    """A message about what keeps this step from being done; empty words give nothing."""
    if not words:
        return ""
    return f'<div class="note bad" role="alert">{icon("warning")}<p>{html.escape(words)}</p></div>'


def note_html(words: str) -> str:
    """A message about something worth knowing."""
    return f'<div class="note">{icon("warning")}<p>{html.escape(words)}</p></div>' if words else ""


def facts_html(facts: Sequence[tuple[str, str]]) -> str:
    """Names and values side by side; values are text."""
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in facts
        if value
    )
    return f'<dl class="facts">{cells}</dl>'


def progress_html(share: float, words: str, label: str) -> str:
    """How far some work is (0 to 1), in words and as a bar; one that only moves where nobody knows yet."""
    percent = f"{100 * share:.0f}"
    known = f'aria-valuenow="{percent}" ' if share else ""
    bar = f'<i style="width:{percent}%"></i>' if share else '<i class="moving"></i>'
    return (
        f'<div class="checking" role="status"><p>{html.escape(words)}</p>'
        f'<div class="bar" role="progressbar" aria-label="{html.escape(label)}" {known}'
        f'aria-valuemin="0" aria-valuemax="100">{bar}</div></div>'
    )
