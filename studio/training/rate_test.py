"""The range test: what a short training whose rate rises at each step says of the rate to train with.

Source: L. Smith, Cyclical learning rates for training neural networks (arXiv:1506.01186), section 3.3; the
rule of a tenth of the rate at the lowest loss: J. Howard and S. Gugger, fastai (arXiv:2002.04688).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.spec import TrainSpec

STEPS = 60
# The test ends at so many times the rate that it began with; the method's own rate lies in the middle.
SPAN = 10_000.0
# Fewer points than that say nothing.
LEAST_POINTS = 10
# The loss of single batches jumps: of each step's and all before it, weighed by this share less each.
_SMOOTHING = 0.8
_BELOW_THE_LOWEST = 10.0


@dataclass(frozen=True)
class RateFound:
    """`(rate, smoothed loss)`, rising by rate, and what to train with: None where they show nothing."""

    points: tuple[tuple[float, float], ...]
    suggested: float | None
    words: str

    def to_json(self) -> dict[str, Any]:
        """The result of the task."""
        return {
            "points": [list(point) for point in self.points],
            "suggested": self.suggested,
            "words": self.words,
        }


def as_test(spec: TrainSpec) -> TrainSpec:
    """The short training that a spec's range test is: its rate rises from a hundredth of the spec's to a
    hundred times that, at most 1; it ends where the loss jumps."""
    highest = min(1.0, spec.training.learning_rate * math.sqrt(SPAN))
    training = spec.training.model_copy(
        update={
            "learning_rate": highest,
            "scheduler": "range_test",
            "warmup_ratio": 0.0,
            "max_steps": STEPS,
            "eval_every": "never",
            "early_stopping": None,
            "on_spike": "stop",
            "keep_checkpoints": 1,
            "processes": 1,
            "sharding": "none",
        }
    )
    return replace(spec, training=training, loggers=(), rate_is_open=False)


def share(step: int, total_steps: int) -> float:
    """The share of the highest rate at `step` (from 0): from 1 / SPAN up to 1, each step by the same factor."""
    return math.pow(SPAN, step / max(1, total_steps - 1) - 1.0)


def judge(metrics: Iterable[Mapping[str, Any]]) -> RateFound:
    """What the metrics of a range test say. A later line of the same step counts."""
    by_step = {
        int(line["step"]): (float(line["learning_rate"]), float(line["loss"]))
        for line in metrics
        if line.get("loss") is not None and line.get("learning_rate") is not None
    }
    measured = [by_step[step] for step in sorted(by_step)]
    points = tuple(
        zip((rate for rate, _ in measured), smoothed([loss for _, loss in measured]), strict=True)
    )
    if len(points) < LEAST_POINTS:
        return RateFound(points, None, "The test ended after too few steps to say anything.")
    lowest = min(points, key=lambda point: point[1])
    if lowest[1] > points[0][1] * 0.99:
        return RateFound(
            points,
            None,
            "The loss did not fall at any rate of this test: the method's own rate is the better guess.",
        )
    suggested = float(f"{lowest[0] / _BELOW_THE_LOWEST:.1e}")
    return RateFound(
        points,
        suggested,
        f"The loss was lowest at {lowest[0]:.2g}, {_above(lowest, points)}. "
        f"A tenth of that, {suggested:g}, is a safe start.",
    )


def _above(lowest: tuple[float, float], points: Sequence[tuple[float, float]]) -> str:
    """What the loss did at rates above the best one."""
    above = [loss for rate, loss in points if rate > lowest[0]]
    if not above:
        return "the highest that was tried"
    return "and rose above it" if max(above) > lowest[1] * 1.05 else "and hardly changed above it"


def smoothed(losses: Sequence[float]) -> list[float]:
    """A running mean that weighs what is long past less; without the pull towards 0 at its beginning."""
    mean, found = 0.0, []
    for number, loss in enumerate(losses, start=1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        found.append(mean / (1 - _SMOOTHING**number))
    return found
