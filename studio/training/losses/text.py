"""The loss of the objective `text`: cross-entropy of every token after the first."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from studio.training.batching import Batch
from studio.training.likelihood import cross_entropy_sum


def text(logits: Tensor, batch: Batch, settings: Any) -> Tensor:
    """Sum of -log p(token); `logits (B, K, V)` at the kept positions."""
    return cross_entropy_sum(logits, batch.targets)


LOSS = text
