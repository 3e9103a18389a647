"""The gated MLP `down(silu(gate(x)) · up(x))`: what lies between its products, in two passes each way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from studio.training.fused.chain import Chain

_PARTS = ("gate_proj", "up_proj", "down_proj")
_HIDDEN, _WIDE = 6, 10


class _Gate(torch.autograd.Function):
    """`silu(gate) · up`; only the two inputs are kept, silu(gate) is computed once more."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return functional.silu(gate).mul_(up)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        for_gate = torch.ops.aten.silu_backward(gradient * up, gate)
        return for_gate, functional.silu(gate).mul_(gradient)


def matches(module: nn.Module) -> bool:
    """A module of three linear parts by Llama's names, and SiLU between them."""
    return has_parts(module) and _is_silu(module)


def has_parts(module: nn.Module) -> bool:
    """Three linear parts by Llama's names, and an activation."""
    return all(hasattr(module, name) for name in (*_PARTS, "act_fn"))


def twin(module: nn.Module) -> tuple[nn.Module, Tensor]:
    """The module with small random linear parts."""
    small = copy.copy(module)
    small._modules = {
        **module._modules,
        "gate_proj": nn.Linear(_HIDDEN, _WIDE),
        "up_proj": nn.Linear(_HIDDEN, _WIDE),
        "down_proj": nn.Linear(_WIDE, _HIDDEN),
    }
    return small, torch.randn(2, 3, _HIDDEN)


def forward(module: Any, original: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """The MLP of the only argument."""
    if kwargs or len(args) != 1:
        return original(*args, **kwargs)
    gate: Callable[..., Tensor] = _Gate.apply
    down: Tensor = module.down_proj(gate(module.gate_proj(args[0]), module.up_proj(args[0])))
    return down


def _is_silu(module: nn.Module) -> bool:
    activation = module.act_fn
    return activation is functional.silu or type(activation).__name__ in ("SiLU", "SiLUActivation")


CHAIN = Chain(matches, twin, forward)
