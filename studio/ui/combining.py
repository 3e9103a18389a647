"""Combining: several finished trainings of one base become one, their adapters added up by weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import gradio as gr

from jobs.errors import StoreBusy
from studio.errors import AskedWrongly
from studio.orders.continuing import leaves_adapter
from studio.ui import runs
from studio.ui.backstage import Backstage
from studio.ui.boundary import spoken
from studio.ui.wiring import TELLING

ABOUT = (
    '<p class="quiet">What each one learned is added up, each by its weight: two tasks in one file, or '
    "halfway between two manners. It becomes a training of its own, to be tried, exported and gone on from. "
    "Of LoRA (QLoRA and AdaLoRA too) and (IA)³, on one base and by one method.</p>"
)


@dataclass(frozen=True)
class Controls:
    """The card's components."""

    card: Any
    parts: Any
    weights: Any
    rank: Any
    name: Any
    start: Any


def build() -> Controls:
    """Make the card, hidden while there are not two to combine."""
    with gr.Column(elem_classes="card", visible=False, elem_id="combining") as card:
        gr.HTML(f"<h2>Combine several into one</h2>{ABOUT}", apply_default_css=False)
        parts = gr.Dropdown(
            choices=[],
            value=[],
            multiselect=True,
            label="Trainings",
            info="`id` · at least two",
            allow_custom_value=True,
            elem_id="combine-parts",
        )
        with gr.Row(elem_classes="settings"):
            weights = gr.Textbox(
                label="Weights",
                info="one for each, in the same order; left empty: equal shares",
                placeholder="0.5, 0.5",
                max_lines=1,
                elem_id="combine-weights",
            )
            # A number field that is left empty shows 0.
            rank = gr.Textbox(
                label="Reduce to this rank",
                info="`rank` · left empty: the exact sum, of the rank of all together",
                placeholder="exact",
                max_lines=1,
                elem_id="combine-rank",
            )
            name = gr.Textbox(
                label="Name",
                info="`name` · how you will find it again",
                max_lines=1,
                elem_id="combine-name",
            )
        with gr.Row(elem_classes="step-foot"):
            start = gr.Button("Combine", scale=0, min_width=150, elem_id="combine")
    return Controls(card, parts, weights, rank, name, start)


def wire(controls: Controls, backstage: Backstage) -> None:
    """The button queues the combination."""

    def start(parts: list[str], weights: str, rank: str, name: str) -> None:
        shares = weights_of(parts or [], weights or "")
        job = backstage.orders.combine(shares, rank=rank_of(rank or ""), name=(name or "").strip())
        gr.Info(f"Job {job.id}: it can be chosen above once it is done.", title=job.name)

    asked = [controls.parts, controls.weights, controls.rank, controls.name]
    controls.start.click(spoken(start), asked, None, **TELLING)
    runs.keep_offering(controls.parts, backstage, leaves_adapter)


def opened(backstage: Backstage) -> list[Any]:
    """Updates for card and parts: the trainings that left an adapter, where there are two or more."""
    try:
        jobs = [job for job in runs.finished(backstage) if leaves_adapter(job)]
    except StoreBusy:
        return [gr.skip(), gr.skip()]
    return [gr.Column(visible=len(jobs) > 1), gr.Dropdown(choices=runs.choices_of(jobs))]


def weights_of(parts: list[str], said: str) -> dict[int, float]:
    """The weight of each training, as typed or in equal shares. Raises AskedWrongly where they do not match."""
    numbers = [int(part) for part in parts if str(part).isdigit()]
    typed = [each for each in re.split(r"[;\s]+|,\s*", said.strip()) if each]
    if not typed:
        return {number: 1 / len(numbers) for number in numbers}
    try:
        weights = [float(each) for each in typed]
    except ValueError as error:
        raise AskedWrongly(
            f"'{said}' are no weights. Type a number for each training, such as 0.5, 0.5."
        ) from error
    if len(weights) != len(numbers):
        raise AskedWrongly(
            f"There are {len(numbers)} trainings and {len(weights)} weights. Type one for each."
        )
    return dict(zip(numbers, weights, strict=True))


def rank_of(said: str) -> int | None:
    """The rank as typed; None where it is left empty. Raises AskedWrongly for what is no rank."""
    if not said.strip():
        return None
    if not said.strip().isdecimal() or not int(said):
        raise AskedWrongly(
            f"'{said}' is no rank. Type a whole number from 1, such as 8, or leave it empty."
        )
    return int(said)
