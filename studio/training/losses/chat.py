"""The loss of the objective `chat`: cross-entropy of the answers' tokens."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

IGNORED = -100


def chat(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum of the cross-entropy over trained tokens, a scalar in float32.

    `logits (B, K, V)` at the kept positions, `targets (B, K) int64` the tokens that follow them,
    IGNORED where nothing is trained. A sum, so that micro-batches add up token by token.
    """
    return functional.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )


LOSS = chat
