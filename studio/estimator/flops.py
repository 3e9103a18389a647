"""Flops: the floating-point operations of one call of torch, those of its products alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

# Registers the operation that multiplies by experts.
import transformers.integrations.moe  # noqa: F401
from torch.utils.flop_counter import flop_registry


def flops_of(call: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> int:
    """Of `call(*args, **kwargs)`, which gave `out`; 0 for what has no products."""
    count = _FLOPS.get(call._overloadpacket)
    return 0 if count is None else int(count(*args, **kwargs, out_val=out))


_ATTENTION = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def _attention_flops(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """Two products of scores: query by key, scores by value; every pair of positions counted."""
    batch, heads, length, width = query.shape
    return int(2 * batch * heads * length * key.shape[2] * (width + value.shape[3]))


def _attention_backward_flops(
    gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any
) -> int:
    """Five products: the scores once more, and the gradients of value, scores, query and key."""
    return _attention_flops(query, key, value) * 5 // 2


def _experts_flops(rows: Any, weights: Any, *_: Any, **__: Any) -> int:
    """`(S, a)` by one of `(experts, a, b)`: each row is multiplied by the matrix of its expert; also
    `(a, S)` by `(S, b)`, whose rows are shared out among the experts: the gradient of the matrices."""
    return int(2 * rows.shape[-2] * rows.shape[-1] * weights.shape[-1])


def _experts_backward_flops(rows: Any, weights: Any, *_: Any, **__: Any) -> int:
    """The gradients of the rows and of the weights."""
    return 2 * _experts_flops(rows, weights)


# torch counts the products of every operation but the CPU's attention and those of experts.
_FLOPS: dict[Any, Any] = {
    **flop_registry,
    _ATTENTION: _attention_flops,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward_flops,
    torch.ops.aten._grouped_mm: _experts_flops,
    torch.ops.transformers.grouped_mm_fallback: _experts_flops,
    torch.ops.transformers.grouped_mm_fallback_backward: _experts_backward_flops,
}
