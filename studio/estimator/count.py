"""Parameters of a training, counted on the model as it will be trained; only its configuration is needed."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.estimator.blueprint import Plan, blueprint
from studio.spec import MethodChoice
from studio.training.adapters import Counts
from studio.training.adapters import count as count_parameters


def count(source: Path, method: MethodChoice) -> Counts:
    """Exact counts for a base model with a method; tied weights count once.

    Raises as `blueprint` does.
    """
    plan = Plan(method, torch.float32, "auto", checkpoints_activations=False)
    return count_parameters(blueprint(source, plan).model)
