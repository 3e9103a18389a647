"""What a kernel of the CPU takes and gives back inside one operation, beyond what it is given and gives.

Each was read off torch's allocator (2.13), which tells how much was held while an operation went on;
`tests/studio/estimator/test_passing.py` holds them beside it. Left out is what attention takes, a block of
scores a thread: at most 256 queries by 512 keys, and no sum of the numbers of a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten

# What oneDNN's products in low precision were seen to hold (torch 2.13; AVX-512 with and without bfloat16, AMX;
# one and two threads): both sides, the right one at least a tile wide and high ...
_TILE, _WHOLE = 64, 32
# ... and something besides, either for each thread anew or once with more besides ...
_BESIDE_BYTES = {torch.bfloat16: 96 * 1024, torch.float16: 320 * 1024}
_BESIDE_ONCE_BYTES = 512 * 1024
# ... but never more than this a thread, nor than this where AMX takes the left side as it lies.
_MOST_BYTES, _MOST_AS_IT_LIES_BYTES = 4 * 1024**2, 16 * 1024**2


def passing_bounds(
    operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any] = MappingProxyType({})
) -> tuple[int, ...]:
    """Bytes that pass while the operation goes on: at most the least of these, each a sum of sizes.

    One number, and exact, but for products in low precision.
    """
    if operation in _INTO_ITS_FIRST:
        return (_number_by_number(args, args[0]),)
    if operation in _NUMBER_BY_NUMBER:
        return (_number_by_number(args, kwargs.get("out")),)
    rule = _RULES.get(operation)
    return rule(args) if rule else (0,)


def _product(args: Sequence[Any]) -> tuple[int, ...]:
    left, right = args[-2:]
    return _by_onednn(left, right, 1) if _is_by_onednn(left.dtype) else (0,)


def _product_of_many(args: Sequence[Any]) -> tuple[int, ...]:
    left, right = args[-2:]
    if left.is_complex():
        # One matrix of each side is laid out anew at a time; what is only noted to be conjugate, as a whole.
        whole = sum(each.nbytes for each in (left, right) if each.is_conj())
        return (int(whole + left[0].nbytes + right[0].nbytes),)
    return _by_onednn(left[0], right[0], len(left)) if _is_by_onednn(left.dtype) else (0,)


def _by_onednn(left: Tensor, right: Tensor, count: int) -> tuple[int, ...]:
    """Bounds on what is held for so many products of `left` `(m, k)` with `right` `(k, n)`, a thread each.

    A processor with AVX-512 that cannot multiply in bfloat16 itself has the result in float32; others lay the
    sides out anew. AMX takes a left side of whole tiles as it lies, and may add up in float32 what comes of it.
    """
    threads, beside = torch.get_num_threads(), _BESIDE_BYTES[left.dtype]
    (rows, inner), columns = left.shape, right.shape[1]
    at_once = min(threads, count)
    is_bfloat = left.dtype == torch.bfloat16
    if is_bfloat and torch.cpu._is_avx512_supported() and not torch.cpu._is_avx512_bf16_supported():
        return (at_once * 4 * rows * columns + threads * beside,)
    inner, columns = max(inner, _TILE), max(columns, _TILE)
    as_it_lies = is_bfloat and torch.cpu._is_amx_tile_supported() and left.stride(1) == 1
    most = threads * (_MOST_AS_IT_LIES_BYTES if as_it_lies else _MOST_BYTES)
    if as_it_lies and left.shape[1] % _WHOLE == 0:
        sides, sums = 2 * inner * columns, at_once * 4 * rows * columns
    else:
        sides, sums = 2 * inner * (rows + columns), 0
    once = at_once * sides + threads * _BESIDE_ONCE_BYTES
    return sums + threads * (sides + beside), sums + once, most


@functools.cache
def _is_by_onednn(dtype: torch.dtype) -> bool:
    """Whether torch leaves products of this type to oneDNN on this processor; its own kernels copy nothing."""
    if not torch.backends.mkldnn.is_available():
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float16 and bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())


def _number_by_number(args: Sequence[Any], written: Tensor | None) -> int:
    """Operands become one type first: the copies of those that are of another; what is written into has the
    result in that type beside it."""
    tensors = [each for each in args[:2] if isinstance(each, Tensor)]
    common = torch.result_type(*tensors) if len(tensors) > 1 else tensors[0].dtype
    copied = [each for each in tensors if each.dtype != common and each.dim() > 0]
    if written is not None and written.dtype != common:
        copied.append(written)
    return sum(each.numel() * common.itemsize for each in copied)


_RULES: dict[Any, Callable[[Sequence[Any]], tuple[int, ...]]] = {
    aten.mm: _product,
    aten.addmm: _product,
    aten.bmm: _product_of_many,
    aten.baddbmm: _product_of_many,
}
_NUMBER_BY_NUMBER = {aten.mul, aten.add, aten.sub, aten.div}
_INTO_ITS_FIRST = {aten.mul_, aten.add_, aten.sub_, aten.div_}
