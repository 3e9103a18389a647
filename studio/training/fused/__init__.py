"""Fused chains: the frozen base's small operations done in fewer passes, one file a kind of module.

Nothing is believed of an architecture: a class of modules is changed only when a small twin's output
and gradients stay what they were.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from studio.registry import discover
from studio.training.fused.chain import Chain

# Rounding of float32 in another order; a forgotten factor or term is far above it.
_TOLERANCE = 1e-4


CHAINS: dict[str, Chain] = discover("studio.training.fused", "CHAIN", Chain)
_CPU = torch.device("cpu")


# What a twin may raise that does not go with a chain.
_REFUSALS = (TypeError, ValueError, RuntimeError, AttributeError)


def fuse(
    model: nn.Module,
    chains: Mapping[str, Chain] = CHAINS,
    device: torch.device = _CPU,
    refusals: tuple[type[Exception], ...] = (),
) -> int:
    """Let every module of `model` that has one of the `chains` use it; gives how many there are.

    Twins are tried on `device`; what raises one of the `refusals` there is not used either. A module that
    has another forward already is left alone.
    """
    verdicts: dict[tuple[type, str], bool] = {}
    fused = 0
    for module in model.modules():
        for name, chain in chains.items():
            if "forward" in vars(module) or not chain.matches(module):
                continue
            kind = (type(module), name)
            if kind not in verdicts:
                verdicts[kind] = _is_the_same(chain, module, device, (*_REFUSALS, *refusals))
            if verdicts[kind]:
                module.forward = functools.partial(chain.forward, module, module.forward)
                fused += 1
    return fused


def unfuse(model: nn.Module) -> None:
    """Let every module do again what it did before `fuse`."""
    ours = {chain.forward for chain in CHAINS.values()}
    for module in model.modules():
        forward = vars(module).get("forward")
        if isinstance(forward, functools.partial) and forward.func in ours:
            del module.forward


def _is_the_same(
    chain: Chain, module: nn.Module, device: torch.device, refusals: tuple[type[Exception], ...]
) -> bool:
    """Whether output and gradients of the small twin are the same, fused and not."""
    forked = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=forked), device, torch.enable_grad():
        torch.manual_seed(0)
        twin, given = chain.twin(module)
        given.requires_grad_(True)
        try:
            expected = _output_and_gradient(twin, given)
            found = _output_and_gradient(
                functools.partial(chain.forward, twin, twin.forward), given
            )
        except refusals:
            return False
    return all(
        ours.shape == theirs.shape and _difference(ours, theirs) <= _TOLERANCE
        for ours, theirs in zip(found, expected, strict=True)
    )


def _output_and_gradient(
    function: Callable[[Tensor], Tensor], given: Tensor
) -> tuple[Tensor, Tensor]:
    out = function(given)
    (gradient,) = torch.autograd.grad(out, given, torch.sin(torch.arange(out.numel()).view_as(out)))
    return out.detach(), gradient


def _difference(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-12))
