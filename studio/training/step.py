"""The training step, pure: no input or output, no device choice, nothing the device must be waited for.

The trainer runs these functions on real tensors, the estimator on meta tensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from studio.training.batching import Batch
from studio.training.losses import Loss


@dataclass(frozen=True)
class Losses:
    """What one micro-step gives: the loss summed over its trained tokens (a detached scalar)."""

    total: Tensor
    trained_tokens: int


def trained_logits(model: nn.Module, batch: Batch) -> Tensor:
    """Logits `(B, K, V)` at the kept positions only: the output layer is by far the widest of a small model."""
    output: Any = model(**batch.inputs, use_cache=False, logits_to_keep=batch.keep)
    return output.logits  # type: ignore[no-any-return]


def micro_step(
    model: nn.Module,
    loss: Loss,
    batch: Batch,
    tokens_per_step: int,
    precision: AbstractContextManager[Any],
) -> Losses:
    """Forward and backward of one micro-batch; gradients add up in the parameters.

    Each token weighs 1 / `tokens_per_step`, whatever micro-batch it fell into: accumulating gives
    the gradients of the one large batch.
    """
    with precision:
        total = loss(trained_logits(model, batch), batch.targets)
    (total / tokens_per_step).backward()
    return Losses(total.detach(), batch.trained_tokens)


def apply(
    optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], max_grad_norm: float
) -> Tensor:
    """Clip the gradients, update the weights, forget the gradients; gives the norm before clipping."""
    norm = nn.utils.clip_grad_norm_(list(parameters), max_grad_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm


@torch.no_grad()
def held_out_loss(
    model: nn.Module, loss: Loss, batch: Batch, precision: AbstractContextManager[Any]
) -> Losses:
    """The loss of one batch without training on it; the caller has put the model into eval mode."""
    with precision:
        total = loss(trained_logits(model, batch), batch.targets)
    return Losses(total, batch.trained_tokens)
