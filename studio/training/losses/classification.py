"""The loss of the objective `classification`: cross-entropy of one label, or of each label by itself."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from studio.objectives.classification import Settings
from studio.training.batching import Batch


def classification(logits: Tensor, batch: Batch, settings: Settings) -> Tensor:
    """Sum over rows, in float32; `logits (B, C)`.

    One label: -w_y log softmax(z)_y. Several: the mean over the labels of
    -w_c y_c log σ(z_c) - (1 - y_c) log(1 - σ(z_c)), w the labels' weights.
    """
    assert batch.weights is not None, "a batch of classes"
    logits = logits.float()
    if not settings.several:
        losses = functional.cross_entropy(logits, batch.targets[:, 0], reduction="none")
        return (losses * batch.weights).sum()
    weights = settings.weights
    each = functional.binary_cross_entropy_with_logits(
        logits,
        batch.targets.float(),
        pos_weight=None if weights is None else torch.tensor(weights, device=logits.device),
        reduction="none",
    )
    return each.mean(-1).sum()


LOSS = classification
