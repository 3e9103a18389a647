"""A linear layer whose frozen weight is stored in few bits and made anew each time it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.training.quantized.storage import Kind, Stored, restore, store


class QuantizedLinear(nn.Linear):
    """`y = x Wᵀ + b` with W in 4 or 8 bits; `weight` is computed, in `compute_dtype`, and cannot train.

    To PEFT it is a linear layer like any other. Neither pass keeps the computed W: the backward pass
    makes it once more.
    """

    def __init__(self, linear: nn.Linear, kind: Kind, *, double: bool, dtype: torch.dtype) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.kind, self.compute_dtype = kind, dtype
        bias = linear.bias
        own = None if bias is None else nn.Parameter(bias.detach().to(dtype), requires_grad=False)
        self.register_parameter("bias", own)
        stored = store(linear.weight, kind, double=double)
        self.register_buffer("codes", stored.codes)
        # Held as whole numbers: `module.to(dtype)` would round the scales.
        for name in ("scales", "scale_scales", "offset"):
            self.register_buffer(name, _as_bits(getattr(stored, name)))

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """W `(out, in)`, made anew."""
        held: Any = self
        stored = Stored(
            codes=held.codes,
            scales=_as_numbers(held.scales),
            scale_scales=None if held.scale_scales is None else _as_numbers(held.scale_scales),
            offset=None if held.offset is None else _as_numbers(held.offset),
        )
        shape = self.out_features, self.in_features
        return restore(stored, self.kind, shape, self.compute_dtype)

    @property
    def logical_numel(self) -> int:
        """How many numbers W has, whatever they are stored in."""
        return self.in_features * self.out_features

    def forward(self, x: Tensor) -> Tensor:
        """`x (…, in)` to `(…, out)`, in `compute_dtype`."""
        product: Callable[[Tensor, QuantizedLinear], Tensor] = _Product.apply
        made = product(x.to(self.compute_dtype), self)
        return made if self.bias is None else made + self.bias

    def dequantized(self) -> nn.Linear:
        """A plain linear layer with the very numbers that this one computes with."""
        has_bias = self.bias is not None
        plain = nn.Linear(self.in_features, self.out_features, bias=has_bias, device="meta")
        plain.weight = nn.Parameter(self.weight, requires_grad=False)
        if self.bias is not None:
            plain.bias = self.bias
        return plain

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, {self.kind}"


class _Product(torch.autograd.Function):
    """`x Wᵀ`, keeping only the layer itself for the backward pass `gradient W`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: QuantizedLinear) -> Tensor:
        ctx.layer = layer
        return functional.linear(x, layer.weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.to(ctx.layer.compute_dtype) @ ctx.layer.weight, None


def _as_bits(values: Tensor | None) -> Tensor | None:
    return values.view(torch.int32) if values is not None and values.is_floating_point() else values


def _as_numbers(bits: Tensor) -> Tensor:
    return bits.view(torch.float32) if bits.dtype is torch.int32 else bits
