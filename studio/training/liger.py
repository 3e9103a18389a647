"""Liger's kernels for a GPU, in place of our own fused chains, where a twin shows that they give the same.

Norms and gated MLPs use them. The output layer's cross-entropy stays ours, which leaves untrained tokens out as
well; rotary positions stay the model's own, since Liger replaces them for the whole process.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from studio.errors import StudioError
from studio.training.fused import fuse, gated_mlp, rms_norm
from studio.training.fused.chain import Chain

# How transformers calls the two ways to write gelu's tanh form.
_GELUS = ("GELUTanh", "PytorchGELUTanh")


def use(model: Any, device: torch.device) -> int:
    """Let every module of `model`, which computes on `device`, use Liger's kernel for it; gives how many do.

    Raises StudioError where the device is no GPU, or where no kernel gives what this architecture's modules
    give. Call it before `fuse`, which leaves these modules alone.
    """
    if device.type != "cuda":
        raise StudioError(
            f"Liger's kernels run on an NVIDIA GPU; this training runs on {device}. "
            'Set training.kernels to "own".',
            code="spec",
        )
    used = fuse(model, chains(), device, refusals())
    if not used:
        raise StudioError(
            f"Liger has no kernel that gives what this model's layers give ({model.config.model_type}). "
            'Set training.kernels to "own".',
            code="spec",
        )
    return used


def chains() -> dict[str, Chain]:
    """Liger's kernels as chains: each must match a module and give what its twin gives."""
    from liger_kernel.ops import LigerGELUMulFunction, LigerRMSNormFunction, LigerSiLUMulFunction

    return {
        "rms_norm": _norm(LigerRMSNormFunction, 0.0, "llama"),
        "rms_norm_plus_one": _norm(LigerRMSNormFunction, 1.0, "gemma"),
        "swiglu": _gated(LigerSiLUMulFunction, gated_mlp.matches),
        "geglu": _gated(LigerGELUMulFunction, _is_gelu_mlp),
    }


def refusals() -> tuple[type[Exception], ...]:
    """What Triton raises where it cannot compile a kernel, or the GPU is too small for it."""
    if importlib.util.find_spec("triton") is None:
        return ()
    # Liger brings it; nothing else of ours needs it.
    return (importlib.import_module("triton.errors").TritonError,)


def _norm(function: Any, offset: float, casting: str) -> Chain:
    """RMSNorm with the weight plus `offset`, cast as models of that kind do."""

    def forward(module: Any, original: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        # In two formats the model's own code gives the wider one.
        if kwargs or len(args) != 1 or args[0].dtype != module.weight.dtype:
            return original(*args, **kwargs)
        # Not in place: an addition passes the very same gradient to the residual beside it.
        in_place = False
        found: Tensor = function.apply(
            args[0], module.weight, rms_norm.epsilon(module), offset, casting, in_place
        )
        return found

    return Chain(rms_norm.matches, rms_norm.twin, forward)


def _gated(function: Any, matches: Callable[[nn.Module], bool]) -> Chain:
    """`down(activation(gate(x)) · up(x))`."""

    def forward(module: Any, original: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        if kwargs or len(args) != 1:
            return original(*args, **kwargs)
        found: Tensor = module.down_proj(
            function.apply(module.gate_proj(args[0]), module.up_proj(args[0]))
        )
        return found

    return Chain(matches, gated_mlp.twin, forward)


def _is_gelu_mlp(module: nn.Module) -> bool:
    return gated_mlp.has_parts(module) and type(module.act_fn).__name__ in _GELUS
