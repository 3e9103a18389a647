"""Held-out figures: what a person is told about rows that were never trained on, beside their loss."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from studio.objectives import Layout
from studio.spec import ObjectiveChoice
from studio.training.batching import Batch


@dataclass(frozen=True)
class Measure:
    """What is counted in each batch (a vector of sums, float64) and the figures that the sums make.

    `figures(sums, units, mean_loss)` gives names to numbers; the names are the objective's metrics.
    """

    count: Callable[[Tensor, Batch], Tensor]
    figures: Callable[[Tensor, int, float], dict[str, Any]]


def measure_of(choice: ObjectiveChoice) -> Measure:
    """The measure that goes with an objective's layout, with its settings."""
    count, figures = MEASURES[choice.objective.layout]
    return Measure(
        functools.partial(count, settings=choice.settings),
        functools.partial(figures, settings=choice.settings),
    )


def _count_tokens(logits: Tensor, batch: Batch, settings: Any) -> Tensor:
    """How many trained tokens the model's first guess gets right."""
    return (logits.argmax(-1) == batch.targets).sum(dtype=torch.float64)[None]


def _token_figures(sums: Tensor, units: int, mean_loss: float, settings: Any) -> dict[str, Any]:
    # A loss beyond this is a broken model; exp of it is no number that JSON knows.
    return {
        "token_accuracy": float(sums[0]) / units,
        "perplexity": math.exp(min(mean_loss, 700.0)),
    }


MEASURES: dict[Layout, tuple[Callable[..., Tensor], Callable[..., dict[str, Any]]]] = {
    "tokens": (_count_tokens, _token_figures),
    "decoder": (_count_tokens, _token_figures),
}
