"""Probes: what this very model can do, tried on a few tokens instead of believed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from studio.training import attention


def can_pack(model: nn.Module, vocabulary: int) -> bool:
    """Whether rows may share a line of `model`; it attends by document afterwards where it can."""
    if attention.use(model):
        if keeps_documents_apart(model, vocabulary):
            return True
        attention.stop_using(model)
    return keeps_documents_apart(model, vocabulary)


@torch.no_grad()
def keeps_documents_apart(model: nn.Module, vocabulary: int) -> bool:
    """Whether rows packed into one line, positions beginning anew, do not see each other.

    The second of two short documents must come out as it does alone, and the same whatever the first one
    says: that is exact also where few bits round much more than a row that is seen adds. Architectures that
    do not take positions from `position_ids` (OPT, Bloom, MPT) fail it and are trained padded.
    """
    generator = torch.Generator().manual_seed(0)
    device = next(model.parameters()).device
    first, second = (
        torch.randint(0, vocabulary, (1, length), generator=generator) for length in (5, 7)
    )
    another = (first + torch.randint(1, vocabulary, first.shape, generator=generator)) % vocabulary
    first, second, another = (ids.to(device) for ids in (first, second, another))
    was_training = model.training
    model.eval()
    try:
        packed = _logits(model, first, second)
        beside_another = _logits(model, another, second)
        alone = torch.cat([_logits(model, first), _logits(model, second)], dim=1)
    except (TypeError, ValueError, RuntimeError):
        return False
    finally:
        model.train(was_training)
    if packed.shape != alone.shape:
        # A learned prompt stands before each line, and has places of its own.
        return False
    is_whole = packed.dtype is torch.float32
    seen = (packed - beside_another)[:, first.shape[1] :]
    return _is_within(seen, 1e-5 if is_whole else 1e-3, alone) and _is_within(
        packed - alone, 1e-3 if is_whole else 3e-2, alone
    )


def _logits(model: nn.Module, *documents: Tensor) -> Tensor:
    """Those of one line `(1, T)` of documents, each with positions of its own."""
    lengths = tuple(ids.shape[1] for ids in documents)
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    placed = {"position_ids": positions.to(documents[0].device)} if len(documents) > 1 else {}
    output: Any = model(
        input_ids=torch.cat(documents, dim=1),
        use_cache=False,
        **placed,
        **attention.arguments(model, lengths),
    )
    logits: Tensor = output.logits
    return logits


def _is_within(difference: Tensor, share: float, whole: Tensor) -> bool:
    return bool(difference.float().abs().max() <= share * whole.float().abs().max())
