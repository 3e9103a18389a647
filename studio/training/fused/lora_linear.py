"""LoRA on a frozen linear layer: `x Wᵀ + b + s (x Aᵀ) Bᵀ`, the adapter added inside the products."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from studio.training.autocast import lowered, off
from studio.training.fused.chain import Chain

_IN, _OUT, _RANK = 6, 5, 2


class _LoraLinear(torch.autograd.Function):
    """`x (…, i)`, `weight (o, i)`, `a (r, i)`, `b (o, r)`; the weight and its bias are frozen."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        low = rows @ a.t()
        out = functional.linear(rows, weight, bias).addmm_(low, b.t(), alpha=scale)
        ctx.save_for_backward(x, low, weight, a, b)
        ctx.scale = scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, low, weight, a, b = ctx.saved_tensors
        rows, gradient = x.reshape(-1, x.shape[-1]), gradient.reshape(-1, gradient.shape[-1])
        of_low = (gradient @ b).mul_(ctx.scale)
        # The narrow factor first: the product of (r, T) by (T, o) is the quicker way round.
        of_b = (low.t() @ gradient).mul_(ctx.scale).t()
        of_a = of_low.t() @ rows
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (gradient @ weight).addmm_(of_low, a).view_as(x)
        return of_x, None, None, of_a, of_b, None


def matches(module: nn.Module) -> bool:
    """PEFT's plain LoRA on a frozen plain linear layer."""
    return type(module) is Linear and type(module.base_layer) is nn.Linear


def twin(module: nn.Module) -> tuple[nn.Module, Tensor]:
    """The module with small random factors."""
    small: Any = copy.copy(module)
    name: str = small.active_adapters[0]
    small._modules = {
        **module._modules,
        "base_layer": nn.Linear(_IN, _OUT).requires_grad_(False),
        "lora_A": nn.ModuleDict({name: nn.Linear(_IN, _RANK, bias=False)}),
        "lora_B": nn.ModuleDict({name: nn.Linear(_RANK, _OUT, bias=False)}),
    }
    return small, torch.randn(2, 3, _IN)


def forward(module: Any, original: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    """The layer with its one adapter; every other state of it goes PEFT's own way."""
    if kwargs or len(args) != 1 or not _is_plain(module):
        return original(*args, **kwargs)
    name, base, x = module.active_adapters[0], module.base_layer, args[0]
    factors = base.weight, base.bias, module.lora_A[name].weight, module.lora_B[name].weight
    function: Callable[..., Tensor] = _LoraLinear.apply
    x, *lower = lowered(x, *factors)
    with off(x):
        return function(x, *lower, module.scaling[name])


def _is_plain(module: Any) -> bool:
    """One LoRA adapter without dropout, variant or bias, on a base in the adapter's own format."""
    if module.disable_adapters or module.merged or len(module.active_adapters) != 1:
        return False
    name = module.active_adapters[0]
    base = module.base_layer
    return (
        name in module.lora_A
        and name not in module.lora_variant
        and isinstance(module.lora_dropout[name], nn.Identity)
        and module.lora_B[name].bias is None
        and not base.weight.requires_grad
        and (base.bias is None or not base.bias.requires_grad)
    )


CHAIN = Chain(matches, twin, forward)
