"""Likelihoods: how probable a model holds the tokens that it was to give, singly and answer by answer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from studio.training.batching import IGNORED, Batch
from studio.training.head import Deferred

Logits = Tensor | Deferred


def cross_entropy_sum(logits: Logits, targets: Tensor) -> Tensor:
    """Sum of -log p(target) over trained tokens, a scalar in float32.

    `logits (B, K, V)`, `targets (B, K) int64`, IGNORED where nothing is trained. A sum, so that
    micro-batches add up token by token.
    """
    if isinstance(logits, Deferred):
        return logits.cross_entropy_sum(targets)
    return functional.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def log_probabilities(logits: Logits, batch: Batch) -> Tensor:
    """`(S,)` in float32: the sum of log p(token) over the trained tokens of each answer of the batch."""
    if isinstance(logits, Deferred):
        logits = logits.logits()
    losses = functional.cross_entropy(
        logits.float().flatten(0, 1),
        batch.targets.flatten(),
        ignore_index=IGNORED,
        reduction="none",
    )
    return _by_sequence(-losses, batch)


def lengths(batch: Batch) -> Tensor:
    """`(S,)` in float32: the number of trained tokens of each answer of the batch."""
    return _by_sequence((batch.targets.flatten() != IGNORED).float(), batch)


def _by_sequence(values: Tensor, batch: Batch) -> Tensor:
    assert batch.sequences is not None, "a batch of whole answers"
    assert batch.reference is not None
    sums = torch.zeros(batch.reference.shape, dtype=values.dtype, device=values.device)
    return sums.index_add(0, batch.sequences.flatten(), values)
