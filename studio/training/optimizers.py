"""Optimizers and the learning rate: built from a spec, the rate a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from studio.errors import AskedWrongly, FieldProblem
from studio.spec import TrainSpec
from studio.training import rate_test
from studio.training.adapters import trainable

# Some methods learn at rates (0.3 for C3A) at which a whole head beside them would run away.
HIGHEST_HEAD_RATE = 5e-3
# Where PEFT keeps a head that trains whole beside an adapter.
_HEAD = ".modules_to_save."


def build(model: nn.Module, spec: TrainSpec) -> torch.optim.Optimizer:
    """The optimizer of a spec over what trains; one group a rate and decay, in a stable order."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    rate = spec.training.learning_rate
    for name, value in trainable(model):
        factor = spec.method.method.rate_factor(spec.method.settings, name)
        if _HEAD in name:
            factor = min(factor, HIGHEST_HEAD_RATE / rate)
        # Vectors (biases, norms) are not decayed: shrinking them towards zero has no meaning.
        decay = spec.training.weight_decay if value.ndim > 1 else 0.0
        groups.setdefault((factor, decay), []).append(value)
    options = [
        {"params": values, "weight_decay": decay, "rate_factor": factor}
        for (factor, decay), values in groups.items()
    ]
    return _RULES[spec.training.optimizer](options, spec.training.learning_rate)


def _adamw(options: list[dict[str, Any]], rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(options, lr=rate, fused=True)


def _adamw_8bit(options: list[dict[str, Any]], rate: float) -> torch.optim.Optimizer:
    """Two numbers a weight in 8 bits each, with a scale for each 256 (arXiv:2110.02861)."""
    import bitsandbytes  # takes a second, and few runs need it

    return bitsandbytes.optim.AdamW8bit(options, lr=rate)  # type: ignore[no-any-return]


def _paged_adamw_8bit(options: list[dict[str, Any]], rate: float) -> torch.optim.Optimizer:
    if any(value.device.type == "cpu" for group in options for value in group["params"]):
        raise AskedWrongly(
            "A paged optimizer moves its numbers between a GPU and the main memory; on the processor "
            'there is nothing to move. Set training.optimizer to "adamw_8bit".',
            code="spec",
            fields=[FieldProblem("training.optimizer", "It needs a GPU.")],
        )
    import bitsandbytes

    return bitsandbytes.optim.PagedAdamW8bit(options, lr=rate)  # type: ignore[no-any-return]


def _sgd(options: list[dict[str, Any]], rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(options, lr=rate)


_RULES = {
    "adamw": _adamw,
    "adamw_8bit": _adamw_8bit,
    "paged_adamw_8bit": _paged_adamw_8bit,
    "sgd": _sgd,
}


def rate_share(step: int, total_steps: int, scheduler: str, warmup_ratio: float) -> float:
    """Share of the full learning rate at `step` (from 0): a linear rise, then `scheduler`'s fall, or the
    range test's rise."""
    warmup_steps = math.ceil(total_steps * warmup_ratio)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if scheduler == "constant":
        return 1.0
    if scheduler == "range_test":
        return rate_test.share(step, total_steps)
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 1.0 - progress if scheduler == "linear" else 0.5 * (1.0 + math.cos(math.pi * progress))


def parameters(optimizer: torch.optim.Optimizer) -> Iterator[nn.Parameter]:
    """All that the optimizer trains, without a walk through the whole model."""
    return (value for group in optimizer.param_groups for value in group["params"])


def unscale(optimizer: torch.optim.Optimizer, scale: float) -> None:
    """Divide all gradients by what the loss was multiplied by."""
    gradients = [value.grad for value in parameters(optimizer) if value.grad is not None]
    torch._foreach_mul_(gradients, 1.0 / scale)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its learning rate: `rate` times the group's factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate_factor"]
