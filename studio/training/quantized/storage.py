"""Storage: a matrix in 4 or 8 bits and back, in the very layout of bitsandbytes.

4 bits (QLoRA, arXiv:2305.14314, sections 3 and B): blocks of 64 numbers in row order share one scale, the
largest magnitude c of the block; each number w is kept as the index of the value q in a table of 16 that
lies nearest to w / c, two to a byte, the first in the upper half. `nf4`: the table's values are equally
likely under a normal distribution; `fp4`: they are 4-bit floating-point numbers.
Double quantisation: the scales, less their mean, are kept as indices into a table of 256 in blocks of 256.
8 bits (LLM.int8's storage, arXiv:2208.07339): row i is kept as round(127 w / c_i) with c_i its largest
magnitude. Only the storage: its activations stay as they are, so that what was trained merges exactly.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import _disable_current_modes

Kind = Literal["nf4", "fp4", "int8"]
BLOCK = 64
SCALES_BLOCK = 256


@dataclass(frozen=True)
class Stored:
    """A matrix in few bits: `codes` uint8 (4 bits) or int8, and what makes numbers of them.

    4 bits: `scales (blocks,)` float32, or with double quantisation uint8 indices, with
    `scale_scales` float32 and `offset` a float32 scalar. 8 bits: `scales (rows,)` float32.
    """

    codes: Tensor
    scales: Tensor
    scale_scales: Tensor | None = None
    offset: Tensor | None = None


def store(weight: Tensor, kind: Kind, *, double: bool = False) -> Stored:
    """Quantise a matrix `(out, in)`, to the nearest value each."""
    weight = weight.detach().float()
    if kind == "int8":
        scales = weight.abs().amax(dim=1)
        steps = torch.where(scales > 0, 127.0 / scales, torch.zeros_like(scales))
        return Stored((weight * steps[:, None]).round_().to(torch.int8), scales)
    blocks = _blocks(weight.flatten(), BLOCK)
    scales = blocks.abs().amax(dim=1)
    shares = blocks / torch.where(scales > 0, scales, torch.ones_like(scales))[:, None]
    nearest = _nearest(shares, _values(kind, str(weight.device))).flatten()
    codes = (nearest[0::2] << 4) | nearest[1::2]
    codes = codes[: (weight.numel() + 1) // 2].contiguous()
    if not double:
        return Stored(codes, scales)
    offset = scales.mean()
    groups = _blocks(scales - offset, SCALES_BLOCK)
    tops = groups.abs().amax(dim=1)
    within = groups / torch.where(tops > 0, tops, torch.ones_like(tops))[:, None]
    indices = _nearest(within, _scale_values(str(weight.device))).flatten()[: len(scales)]
    return Stored(codes, indices.contiguous(), tops, offset)


def restore(stored: Stored, kind: Kind, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """The numbers `(out, in)` that are stored, in `dtype`."""
    if kind == "int8":
        return (stored.codes.float() * (stored.scales / 127.0)[:, None]).to(dtype)
    scales = _scales(stored)
    if shape[1] % BLOCK == 0 or stored.codes.is_cuda:
        # bitsandbytes' kernel, on each of its devices. Its one for the CPU (0.50.2) gives other numbers
        # where a row is not whole blocks: at (64, 96) 28 % off instead of 9 %. (Not on every processor:
        # on one without AVX-512 it is right.)
        _library()
        kernel = torch.ops.bitsandbytes.dequantize_4bit.default
        made: Tensor = kernel(stored.codes[:, None], scales, BLOCK, kind, list(shape), dtype)
        return made
    # A byte is two numbers: one look into a table of 256 pairs.
    numbers = functional.embedding(stored.codes.int(), _pairs(kind, str(scales.device))).flatten()
    count = shape[0] * shape[1]
    numbers = numbers[:count].mul_(scales.repeat_interleave(BLOCK)[:count])
    return numbers.view(shape).to(dtype)


def _scales(stored: Stored) -> Tensor:
    if stored.scale_scales is None:
        return stored.scales
    assert stored.offset is not None
    values = functional.embedding(
        stored.scales.int(), _scale_values(str(stored.codes.device))[:, None]
    ).flatten()
    tops = stored.scale_scales.repeat_interleave(SCALES_BLOCK)[: len(values)]
    return values * tops + stored.offset


def _blocks(numbers: Tensor, size: int) -> Tensor:
    """`(blocks, size)`, the last filled up with zeros."""
    return functional.pad(numbers, (0, -len(numbers) % size)).view(-1, size)


def _nearest(numbers: Tensor, values: Tensor) -> Tensor:
    """For each number the index of the value nearest to it, as uint8."""
    ordered, order = values.sort()
    borders = (ordered[1:] + ordered[:-1]) / 2
    return order.to(torch.uint8)[torch.bucketize(numbers, borders)]


def _kept(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`make`, called once for the same arguments, and outside of any simulation: what is asked for first
    while a step is simulated would else only pretend to hold numbers, for everyone after."""

    @functools.cache
    def table(*names: str) -> Tensor:
        with _disable_current_modes(), torch.device("cpu"):
            return make(*names)

    return functools.wraps(make)(table)


@functools.cache
def _library() -> Any:
    """bitsandbytes' tables and, by the import, its kernels: a second that only quantised bases cost."""
    from bitsandbytes import functional as bitsandbytes

    return bitsandbytes


@_kept
def _values(kind: Kind, device: str) -> Tensor:
    values: Tensor = _library().get_4bit_type(kind, device="cpu", blocksize=BLOCK)
    return values.to(device)


@_kept
def _pairs(kind: Kind, device: str) -> Tensor:
    """The two numbers that each byte stands for, `(256, 2)`."""
    values = _values(kind, device)
    return torch.stack([values.repeat_interleave(16), values.repeat(16)], dim=1)


@_kept
def _scale_values(device: str) -> Tensor:
    values: Tensor = _library().create_dynamic_map()
    return values.to(device)
