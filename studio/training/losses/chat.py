"""The loss of the objective `chat`: cross-entropy of the answers' tokens."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from studio.training.batching import Batch
from studio.training.likelihood import Logits, cross_entropy_sum


def chat(logits: Logits, batch: Batch, settings: Any) -> Tensor:
    """Sum of -log p(token) over the answers' tokens; `logits (B, K, V)` at the kept positions."""
    return cross_entropy_sum(logits, batch.targets)


LOSS = chat
