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
from studio.objectives.classification import Settings as Classes
from studio.spec import ObjectiveChoice
from studio.training.batching import Batch
from studio.training.losses.preference import margins


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


def _count_classes(logits: Tensor, batch: Batch, settings: Classes) -> Tensor:
    """One label: the confusion matrix, `(C * C,)`. Several: rows wholly right, and a label at a time
    right ones, wrong ones and missed ones, `(1 + 3 C,)`."""
    classes = logits.shape[-1]
    if not settings.several:
        places = batch.targets[:, 0] * classes + logits.argmax(-1)
        return torch.bincount(places, minlength=classes * classes).double()
    given, true = logits > 0, batch.targets.bool()
    rows = (given == true).all(-1).sum()[None]
    counts = [(given & true).sum(0), (given & ~true).sum(0), (~given & true).sum(0)]
    return torch.cat([rows, *counts]).double()


def _class_figures(sums: Tensor, units: int, mean_loss: float, settings: Classes) -> dict[str, Any]:
    labels = settings.labels or ()
    if settings.several:
        right, wrong, missed = sums[1:].reshape(3, -1)
        return {
            "accuracy": float(sums[0]) / units,
            "f1": _macro_f1(right, wrong, missed),
        }
    matrix = sums.reshape(len(labels), len(labels))
    right = matrix.diagonal()
    return {
        "accuracy": float(right.sum()) / units,
        "f1": _macro_f1(right, matrix.sum(0) - right, matrix.sum(1) - right),
        "confusion": {"labels": list(labels), "rows": matrix.to(torch.int64).tolist()},
    }


def _macro_f1(right: Tensor, wrong: Tensor, missed: Tensor) -> float:
    """Mean over the labels of 2 right / (2 right + wrong + missed); labels that nobody has are left out."""
    whole = 2 * right + wrong + missed
    return float((2 * right[whole > 0] / whole[whole > 0]).mean())


def _count_preferences(logits: Tensor, batch: Batch, settings: Any) -> Tensor:
    """Rows that lean the right way, and the sum of their margins."""
    found = margins(logits, batch, settings).double()
    return torch.stack([(found > 0).sum().double(), found.sum()])


def _preference_figures(
    sums: Tensor, units: int, mean_loss: float, settings: Any
) -> dict[str, Any]:
    return {
        "preference_accuracy": float(sums[0]) / units,
        "preference_margin": float(sums[1]) / units,
    }


MEASURES: dict[Layout, tuple[Callable[..., Tensor], Callable[..., dict[str, Any]]]] = {
    "tokens": (_count_tokens, _token_figures),
    "decoder": (_count_tokens, _token_figures),
    "classes": (_count_classes, _class_figures),
    "sequences": (_count_preferences, _preference_figures),
}
