"""Probes: what this very model can do, tried on a few tokens instead of believed."""

from __future__ import annotations

import torch
from torch import nn

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

    Compares the logits of two short documents packed together with each alone. Architectures that
    do not take positions from `position_ids` (OPT, Bloom, MPT) fail it and are trained padded.
    """
    generator = torch.Generator().manual_seed(0)
    device = next(model.parameters()).device
    documents = [
        torch.randint(0, vocabulary, (1, length), generator=generator).to(device)
        for length in (5, 7)
    ]
    positions = torch.cat([torch.arange(ids.shape[1], device=device) for ids in documents])
    was_training = model.training
    model.eval()
    try:
        packed = model(
            input_ids=torch.cat(documents, dim=1),
            position_ids=positions[None],
            use_cache=False,
            **attention.arguments(model, tuple(ids.shape[1] for ids in documents)),
        ).logits
        alone = torch.cat(
            [
                model(
                    input_ids=ids, use_cache=False, **attention.arguments(model, (ids.shape[1],))
                ).logits
                for ids in documents
            ],
            dim=1,
        )
    except (TypeError, ValueError, RuntimeError):
        return False
    finally:
        model.train(was_training)
    if packed.shape != alone.shape:
        # A learned prompt stands before each line, and has places of its own.
        return False
    difference = (packed.float() - alone.float()).abs().max()
    tolerance = 1e-3 if packed.dtype is torch.float32 else 3e-2
    return bool(difference <= tolerance * alone.float().abs().max())
