"""Parameters of a training, counted on the model as it will be trained; only its configuration is needed."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.estimator.blueprint import Plan
from studio.estimator.deep import DeepModel
from studio.spec import TrainSpec
from studio.training.adapters import Counts
from studio.training.loading import choose_numbers


def count(source: Path, spec: TrainSpec) -> Counts:
    """Exact counts for the base in `source` with the spec's method; tied weights count once, weights held
    in few bits as the numbers that they stand for.

    Raises as `blueprint` does.
    """
    trains_weights = spec.method.method.family == "full"
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=trains_weights)
    return DeepModel.of(source, Plan.of(spec, numbers)).counts()
