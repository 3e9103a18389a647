"""The offer to find a speed of learning on one's own data: a short test, its curve, a click to take it."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from jobs.models import ENDED, Job, JobState
from studio.errors import StudioError
from studio.spec import TrainSpec
from studio.ui.backstage import Backstage
from studio.ui.steps.step import problem_html
from studio.ui.waiting import Work
from studio.ui.wiring import QUIET

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 170, 44, 26
_LOOKS_EVERY_S = 1.0


@dataclass(frozen=True)
class Controls:
    """The part's components."""

    find: Any
    said: Any
    found: Any
    take: Any

    @property
    def shown(self) -> list[Any]:
        """What `finding` updates."""
        return [self.find, self.said, self.found, self.take]


def build() -> Controls:
    """Make the part's components."""
    with gr.Row(elem_classes="fit-row"):
        find = gr.Button(
            "Find a speed on my data", size="sm", scale=0, min_width=210, elem_id="find-rate"
        )
        take = gr.Button(
            "Take it", size="sm", scale=0, min_width=110, visible=False, elem_id="take-rate"
        )
    said = gr.HTML(elem_id="rate-said", apply_default_css=False)
    found = gr.Number(visible=False)
    return Controls(find, said, found, take)


def wire(part: Controls, rate: Any) -> None:
    """What was found becomes the form's learning rate, once it is taken."""
    part.take.click(
        lambda found: [found, gr.Button(visible=False)], part.found, [rate, part.take], **QUIET
    )


def finding(spec: TrainSpec, backstage: Backstage) -> Iterator[list[Any]]:
    """Queue the test and tell how far it is until it is done; the window may be closed meanwhile."""
    yield _busy("Putting a short test into the queue …")
    work = Work(
        lambda progress: backstage.orders.find_rate(spec, on_progress=progress), goes_on=True
    )
    for step in work.steps():
        yield _busy(f"Getting a short test ready: {step.words or 'its rows'} …")
    try:
        job = work.value()
    except StudioError as error:
        yield refused(error.words)
        return
    while job.state not in (*ENDED, JobState.PAUSED):
        yield _busy(_progress(job, backstage))
        time.sleep(_LOOKS_EVERY_S)
        job = backstage.orders.queue.store.job(job.id)
    yield _done(job)


def refused(words: str) -> list[Any]:
    """Why there is no result."""
    return [gr.Button(interactive=True), problem_html(words), None, gr.Button(visible=False)]


def _busy(words: str) -> list[Any]:
    said = f'<p class="quiet" role="status">{html.escape(words)}</p>'
    return [gr.Button(interactive=False), said, None, gr.Button(visible=False)]


def _progress(job: Job, backstage: Backstage) -> str:
    view = backstage.orders.run(job.id)
    if view.progress["step"]:
        return f"Test {job.id}: step {view.progress['step']} of {view.progress['total_steps']} …"
    waiting = f" {view.waiting_for}" if view.waiting_for else ""
    return f"Test {job.id}: {job.state.sentence}.{waiting}"


def _done(job: Job) -> list[Any]:
    result = job.result or {}
    if not result.get("points"):
        words = job.error or f"The test ended without a result: {job.state.sentence}."
        return refused(words)
    suggested = result["suggested"]
    take = gr.Button(f"Take {suggested:g}" if suggested else "Take it", visible=bool(suggested))
    return [gr.Button(interactive=True), result_html(result), suggested, take]


def result_html(result: Mapping[str, Any]) -> str:
    """The curve of loss over rate, and what it says."""
    words = html.escape(str(result["words"]))
    return f'{curve_html(result["points"], result["suggested"])}<p class="says" role="status">{words}</p>'


def curve_html(points: Sequence[Sequence[float]], suggested: float | None) -> str:
    """Loss over rate, the rates by their powers of ten; a mark where the suggestion is."""
    usable = [(math.log10(rate), loss) for rate, loss in points if rate > 0 and math.isfinite(loss)]
    if len(usable) < 2:
        return ""
    low, high = usable[0][0], usable[-1][0]
    # What ran away at the end would press the rest flat.
    bottom = min(loss for _, loss in usable)
    top = max(
        min(loss for loss in (usable[0][1] * 1.3 + 0.01, max(loss for _, loss in usable))),
        bottom + 1e-6,
    )

    def x(power: float) -> float:
        return LEFT + (power - low) / (high - low or 1.0) * (WIDTH - LEFT - 10)

    def y(loss: float) -> float:
        return 10 + (top - min(loss, top)) / (top - bottom) * (HEIGHT - BOTTOM - 16)

    line = " ".join(f"{x(power):.1f},{y(loss):.1f}" for power, loss in usable)
    ticks = "".join(
        f'<line class="grid" x1="{x(power):.1f}" x2="{x(power):.1f}" y1="8" y2="{HEIGHT - BOTTOM}"/>'
        f'<text x="{x(power):.1f}" y="{HEIGHT - 8}" text-anchor="middle">1e{power}</text>'
        for power in range(math.ceil(low), math.floor(high) + 1)
    )
    mark = ""
    if suggested:
        place = f"{x(math.log10(suggested)):.1f}"
        mark = f'<line class="mark" x1="{place}" x2="{place}" y1="8" y2="{HEIGHT - BOTTOM}"/>'
    ends = (
        f'<text x="4" y="18">{top:.2g}</text><text x="4" y="{HEIGHT - BOTTOM}">{bottom:.2g}</text>'
    )
    return (
        f'<figure class="curve rate"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Loss over the learning rate">{ticks}{ends}<polyline class="line training" '
        f'points="{line}"/>{mark}</svg><figcaption>Loss at each learning rate</figcaption></figure>'
    )
