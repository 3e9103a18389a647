"""Optimizers and the learning rate: built from a spec, the rate a pure function of the step."""

from __future__ import annotations

import math

import torch
from torch import nn

from studio.spec import TrainSpec
from studio.training.adapters import trainable


def build(model: nn.Module, spec: TrainSpec) -> torch.optim.Optimizer:
    """The optimizer of a spec over what trains; one group a rate and decay, in a stable order."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, value in trainable(model):
        factor = spec.method.method.rate_factor(spec.method.settings, name)
        # Vectors (biases, norms) are not decayed: shrinking them towards zero has no meaning.
        decay = spec.training.weight_decay if value.ndim > 1 else 0.0
        groups.setdefault((factor, decay), []).append(value)
    options = [
        {"params": values, "weight_decay": decay, "rate_factor": factor}
        for (factor, decay), values in groups.items()
    ]
    if spec.training.optimizer == "sgd":
        return torch.optim.SGD(options, lr=spec.training.learning_rate)
    return torch.optim.AdamW(options, lr=spec.training.learning_rate, fused=True)


def rate_share(step: int, total_steps: int, scheduler: str, warmup_ratio: float) -> float:
    """Share of the full learning rate at `step` (from 0): a linear rise, then `scheduler`'s fall."""
    warmup_steps = math.ceil(total_steps * warmup_ratio)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if scheduler == "constant":
        return 1.0
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 1.0 - progress if scheduler == "linear" else 0.5 * (1.0 + math.cos(math.pi * progress))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its learning rate: `rate` times the group's factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate_factor"]
