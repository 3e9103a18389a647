"""The loss curve as SVG, made here: a page shows it with no script and no drawing library."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 920, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 30
MAX_POINTS = 400
MAX_DOTS = 40
SMALL_WIDTH, SMALL_HEIGHT = 300, 92
RUN_COLOURS = 6

Point = tuple[float, float]


def curve(metrics: Sequence[Mapping[str, Any]], total_steps: int | None = None) -> str:
    """The training loss as a line and the held-out loss as dots on a line, over steps."""
    training = points(metrics, "loss")
    held_out = points(metrics, "held_out_loss")
    if not training and not held_out:
        return '<div class="curve empty">The curve appears with the first steps.</div>'
    scale = _Scale(training + held_out, total_steps)
    parts = [
        _grid(scale),
        _line(scale, training, "training"),
        _line(scale, held_out, "held-out"),
        *(_dot(scale, point) for point in held_out if len(held_out) <= MAX_DOTS),
    ]
    if len(training) == 1:
        parts.append(_dot(scale, training[0]))
    label = html.escape(_label(training, held_out))
    return (
        f'<figure class="curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>{_legend(bool(held_out))}</figure>'
    )


def points(metrics: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    """(step, value) in order of steps, at most MAX_POINTS, the last always kept.

    After a resume the same step may come again: the later line counts.
    """
    by_step = {
        int(line["step"]): float(line[name])
        for line in metrics
        if isinstance(line.get(name), int | float)
        and math.isfinite(line[name])
        and isinstance(line.get("step"), int)
    }
    found = sorted(by_step.items())
    stride = math.ceil(len(found) / MAX_POINTS) or 1
    kept = found[::stride]
    if found and kept[-1] != found[-1]:
        kept.append(found[-1])
    return [(float(step), value) for step, value in kept]


def small(metrics: Sequence[Mapping[str, Any]], name: str, title: str) -> str:
    """One figure over the steps as a small drawing with its last value; empty where it was not reported."""
    shown = points(metrics, name)
    if len(shown) < 2:
        return ""
    scale = _Scale(shown, None, SMALL_WIDTH, SMALL_HEIGHT)
    label = f"{title} from {shown[0][1]:.3g} to {shown[-1][1]:.3g} by step {shown[-1][0]:.0f}."
    return (
        f'<figure class="curve small"><figcaption>{html.escape(title)} '
        f"<strong>{shown[-1][1]:,.3g}</strong></figcaption>"
        f'<svg viewBox="0 0 {SMALL_WIDTH} {SMALL_HEIGHT}" role="img" aria-label="{html.escape(label)}">'
        f"{_ends(scale)}{_line(scale, shown, 'training')}</svg></figure>"
    )


def overlaid(runs: Sequence[tuple[str, Sequence[Mapping[str, Any]]]], name: str) -> str:
    """The same figure of several runs in one drawing, each with its own colour and name."""
    lines = [(title, points(metrics, name)) for title, metrics in runs]
    shown = [point for _, each in lines for point in each]
    if not shown:
        return ""
    scale = _Scale(shown, None)
    drawn = "".join(
        _line(scale, each, f"run-{place % RUN_COLOURS}") or "".join(_dot(scale, p) for p in each)
        for place, (_, each) in enumerate(lines)
    )
    legend = "".join(
        f'<span class="key run-{place % RUN_COLOURS}">{html.escape(title)}</span>'
        for place, (title, _) in enumerate(lines)
    )
    label = " ".join(f"{title} ends at {each[-1][1]:.3g}." for title, each in lines if each)
    return (
        f'<figure class="curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{html.escape(label)}">{_grid(scale)}{drawn}</svg>'
        f"<figcaption>{legend}</figcaption></figure>"
    )


class _Scale:
    """From (step, value) to places on the drawing."""

    def __init__(
        self,
        shown: Sequence[Point],
        total_steps: int | None,
        width: int = WIDTH,
        height: int = HEIGHT,
    ) -> None:
        self.width, self.height = width, height
        self.bottom = BOTTOM if height == HEIGHT else TOP
        steps, values = [step for step, _ in shown], [value for _, value in shown]
        self.first = min(0.0, *steps)
        self.last = max(1.0, float(total_steps or 0), *steps)
        low, high = min(values), max(values)
        self.ticks = _ticks(low if high > low else low * 0.9, high if high > low else high * 1.1)
        self.low, self.high = min(low, self.ticks[0]), max(high, self.ticks[-1])
        self.span = (self.high - self.low) or 1.0

    def x(self, step: float) -> float:
        return LEFT + (step - self.first) / (self.last - self.first) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (self.high - value) / self.span * (self.height - TOP - self.bottom)


def _ticks(low: float, high: float) -> list[float]:
    """About four round values from `low` to `high`."""
    rough = (high - low) / 4 or 1.0
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return [n * step for n in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _grid(scale: _Scale) -> str:
    rows = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        for value in scale.ticks
        for y in (scale.y(value),)
    )
    marks = sorted({round(scale.last * part) for part in (0, 0.25, 0.5, 0.75, 1)})
    steps = "".join(
        f'<text x="{scale.x(mark):.1f}" y="{HEIGHT - 10}" text-anchor="{anchor}">{mark:,}</text>'
        for mark in marks
        for anchor in ("end" if mark == marks[-1] else "middle",)
    )
    return rows + steps


def _ends(scale: _Scale) -> str:
    """Least and most at the left, without lines between."""
    return "".join(
        f'<text x="{LEFT - 8}" y="{scale.y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        for value in (scale.ticks[0], scale.ticks[-1])
    )


def _line(scale: _Scale, shown: Sequence[Point], name: str) -> str:
    places = " ".join(f"{scale.x(step):.1f},{scale.y(value):.1f}" for step, value in shown)
    return f'<polyline class="line {name}" points="{places}"/>' if len(shown) > 1 else ""


def _dot(scale: _Scale, point: Point) -> str:
    return (
        f'<circle class="dot" cx="{scale.x(point[0]):.1f}" cy="{scale.y(point[1]):.1f}" r="3.5"/>'
    )


def _legend(has_held_out: bool) -> str:
    held_out = '<span class="key held-out">on rows held out</span>' if has_held_out else ""
    return (
        '<figcaption><span class="key training">on rows it learns from</span>'
        f"{held_out}<span>loss over steps; lower is better</span></figcaption>"
    )


def _label(training: Sequence[Point], held_out: Sequence[Point]) -> str:
    parts = []
    for name, shown in (("Training loss", training), ("Held-out loss", held_out)):
        if shown:
            parts.append(
                f"{name} from {shown[0][1]:.3g} to {shown[-1][1]:.3g} by step {shown[-1][0]:.0f}."
            )
    return " ".join(parts)
