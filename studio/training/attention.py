"""Attention within each document of a packed line: nothing is computed between rows that must not meet.

torch's own way keeps packed rows apart by a mask over the whole line: it computes every score and
throws most of them away. Here each row is a causal attention of its own; four rows of 140 tokens take
an eighth of the products, and no mask is held in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface

NAME = "studio_by_document"


def by_document(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    documents: Sequence[int] | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Causal attention of `query (1, H, T, D)` to `key`, `value (1, G, T, D)` within each document.

    `documents` are the rows' lengths, T in all. Gives `(1, T, H, D)`. Raises ValueError for what this
    way of attention cannot do; the probe finds that out before training.
    """
    unknown = [
        name for name in ("softcap", "position_bias", "s_aux") if others.get(name) is not None
    ]
    if documents is None or sum(documents) != query.shape[2] or key.shape[2] != query.shape[2]:
        raise ValueError("attention by document needs the documents' lengths")
    if attention_mask is not None or is_causal is False or unknown:
        raise ValueError(f"attention by document knows no mask, and nothing of {unknown}")
    shares_keys = key.shape[1] != query.shape[1]
    lengths = list(documents)
    queries, keys, values = (tensor.split(lengths, dim=2) for tensor in (query, key, value))
    attended = [
        functional.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=(mask := _window(length, sliding_window, query.device)),
            dropout_p=dropout,
            is_causal=mask is None,
            scale=scaling,
            enable_gqa=shares_keys,
        ).transpose(1, 2)
        for q, k, v, length in zip(queries, keys, values, lengths, strict=True)
    ]
    return (torch.cat(attended, dim=1) if len(attended) > 1 else attended[0].contiguous()), None


def _window(length: int, window: int | None, device: torch.device) -> Tensor | None:
    """The mask of a document longer than the sliding window, each token seeing `window` tokens back."""
    if window is None or length <= window:
        return None
    ones = torch.ones(length, length, dtype=torch.bool, device=device)
    return ones.tril_().triu_(1 - window)


def use(model: Any) -> bool:
    """Let `model` attend by document; False, and nothing changed, where its architecture cannot."""
    before = model.config._attn_implementation
    # Eager attention is the model's own code, which may do more than these kernels can.
    if before != "sdpa":
        return False
    model.set_attn_implementation(NAME)
    if model.config._attn_implementation == NAME:
        return True
    model.set_attn_implementation(before)
    return False


def stop_using(model: Any) -> None:
    """Back to torch's own way."""
    model.set_attn_implementation("sdpa")


def arguments(model: Any, documents: tuple[int, ...]) -> dict[str, Any]:
    """What the model's forward needs beside its inputs: nothing, unless it attends by document."""
    return {"documents": documents} if model.config._attn_implementation == NAME else {}


# Registered for attention alone: transformers then builds no mask.
AttentionInterface.register(NAME, by_document)
