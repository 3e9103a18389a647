"""The loss of the objective `seq2seq`: cross-entropy of the tokens that the decoder writes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from studio.training.batching import Batch
from studio.training.likelihood import cross_entropy_sum


def seq2seq(logits: Tensor, batch: Batch, settings: Any) -> Tensor:
    """Sum of -log p(token); `logits (B, D, V)` of all of the decoder's positions."""
    return cross_entropy_sum(logits, batch.targets)


LOSS = seq2seq
