"""The training step, pure: no input or output, no device choice, nothing the device must be waited for.

The trainer runs these functions on real tensors, the estimator on meta tensors.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from studio.training import attention, head, prompts
from studio.training.batching import Batch
from studio.training.head import Deferred
from studio.training.likelihood import Logits, log_probabilities
from studio.training.losses import Loss


@dataclass(frozen=True)
class Losses:
    """What one micro-step gives: the loss summed over its units (a detached scalar)."""

    total: Tensor
    units: int


def logits_of(model: nn.Module, batch: Batch) -> Tensor:
    """The logits that the loss needs: `(B, K, V)` at the kept positions only, or `(B, C)` of classes.

    The output layer is by far the widest of a small model, so what is not needed is not computed.
    """
    options: dict[str, Any] = {}
    if batch.keep is not None:
        options["logits_to_keep"] = batch.keep + prompts.places_before(model)
    options |= attention.arguments(model, batch.documents)
    entering = batch.entering() if batch.entering else contextlib.nullcontext()
    with entering, prompts.reading_the_last(model, batch):
        output: Any = model(**batch.inputs, use_cache=False, **options)
    return output.logits  # type: ignore[no-any-return]


def logits_for_loss(model: Any, batch: Batch) -> Logits:
    """As `logits_of`, but left to the loss to compute where the model's output layer allows it."""
    if batch.keep is None or not head.can_defer(model):
        return logits_of(model, batch)
    layer = model.get_output_embeddings()
    with head.passing_through(layer):
        return Deferred(logits_of(model, batch), layer.weight, layer.bias)


def plain_total(model: nn.Module, loss: Loss, batch: Batch) -> tuple[Tensor, Tensor | None]:
    """The loss of a micro-batch, summed over its units, to which nothing is added."""
    return loss(logits_for_loss(model, batch), batch), None


# The loss of a micro-batch, summed over its units, and what a method adds to it.
Total = Callable[[nn.Module, Loss, Batch], tuple[Tensor, Tensor | None]]


def micro_step(
    model: nn.Module,
    loss: Loss,
    batch: Batch,
    units_per_step: float,
    precision: AbstractContextManager[Any],
    total: Total = plain_total,
) -> Losses:
    """Forward and backward of one micro-batch; gradients add up in the parameters.

    Each unit (a trained token, or a row) weighs 1 / `units_per_step`, whatever micro-batch it fell
    into: accumulating gives the gradients of the one large batch. What the method adds to the loss is
    made smaller with it, and not reported. An idle batch adds nothing.
    """
    with precision:
        own, added = total(model, loss, batch)
    whole = own if added is None else own + added
    (whole / units_per_step if not batch.is_idle else whole * 0.0).backward()
    return Losses(own.detach(), batch.units)


def apply(
    optimizer: torch.optim.Optimizer,
    parameters: Iterable[nn.Parameter],
    max_grad_norm: float,
    observe: Callable[[], None] | None = None,
) -> Tensor:
    """`clip`, then `update`; gives the norm before clipping."""
    norm = clip(parameters, max_grad_norm)
    update(optimizer, observe=observe)
    return norm


def clip(parameters: Iterable[nn.Parameter], max_grad_norm: float) -> Tensor:
    """Cut the gradients to a common length of at most `max_grad_norm`; gives the length they had."""
    return nn.utils.clip_grad_norm_(list(parameters), max_grad_norm)


def update(
    optimizer: torch.optim.Optimizer,
    *,
    applies: bool = True,
    observe: Callable[[], None] | None = None,
) -> None:
    """Update the weights, unless the step is left out (not `applies`); forget the gradients.

    `observe` is called in between: what a method learns from gradients, it learns there.
    """
    if applies:
        optimizer.step()
        if observe is not None:
            observe()
    optimizer.zero_grad(set_to_none=True)


@torch.no_grad()
def look(
    model: nn.Module,
    loss: Loss,
    count: Callable[[Tensor, Batch], Tensor],
    batch: Batch,
    precision: AbstractContextManager[Any],
) -> tuple[Losses, Tensor]:
    """The loss of one batch without training on it, and what `count` makes of its logits.

    The caller has put the model into eval mode.
    """
    with precision:
        logits = logits_of(model, batch)
        total = loss(logits, batch)
    return Losses(total, batch.units), count(logits, batch)


@torch.no_grad()
def score(model: nn.Module, batch: Batch, precision: AbstractContextManager[Any]) -> Tensor:
    """The log-probability `(S,)` of each of the batch's answers, without training on them."""
    with precision:
        return log_probabilities(logits_of(model, batch), batch)


@torch.no_grad()
def gains(
    model: nn.Module, batches: Sequence[Batch], precision: Callable[[], AbstractContextManager[Any]]
) -> Tensor | None:
    """How far the model has moved from the reference on answers to other questions, summed (a scalar).

    None where no row has such answers.
    """
    found = [
        ((score(model, batch.mismatched, precision()) - batch.mismatched.reference).sum(), batch)
        for batch in batches
        if batch.mismatched is not None and batch.mismatched.reference is not None
    ]
    own = [gain for gain, batch in found if not batch.is_idle]
    return torch.stack(own).sum() if own else None


def with_baseline(batches: Sequence[Batch], gained: Tensor | None, rows: int) -> Sequence[Batch]:
    """The batches of one step, each with what all of them together told before it began (KTO's z0).

    It is the mean of what was `gained` over the step's `rows`, however they are cut into batches.
    """
    if gained is None:
        return batches
    baseline = (gained / rows).clamp(min=0.0)
    return [replace(batch, baseline=baseline) for batch in batches]
