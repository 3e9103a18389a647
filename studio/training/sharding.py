"""Sharding: a model of which each rank holds a share of every layer (FSDP2), and its whole tensors again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from studio.errors import StudioError
from studio.training.adapters import trainable
from studio.training.quantized import QuantizedLinear
from studio.training.ranks import Ranks


def shard(model: nn.Module, ranks: Ranks, device: torch.device) -> nn.Module:
    """Spread `model` over the ranks in place, layer by layer, and move this one's share to `device`.

    Each layer is put together for its forward and again for its backward pass. Gradients are summed,
    not averaged: each token has its weight already.
    """
    _share_codes(model)
    mesh = init_device_mesh(device.type, (ranks.count,))
    for module in [*layers_of(model), model]:
        # A model's last and first parts stay whole between its two passes: both need them.
        whole: Any = fully_shard(module, mesh=mesh)
        whole.set_force_sum_reduction_for_comms(True)
        whole.set_gradient_divide_factor(1.0)
    return model


def layers_of(model: nn.Module) -> list[nn.Module]:
    """The repeated layers: what lies in the outermost lists of modules that are computed one by one."""
    found: list[nn.Module] = []
    below: set[int] = set()
    for module in model.modules():
        if id(module) in below or type(module) is not nn.ModuleList:
            continue
        below |= {id(each) for each in module.modules()}
        found += [each for each in module if next(each.parameters(), None) is not None]
    return found


def require_sharded(model: nn.Module, ranks: Ranks) -> None:
    """Raises StudioError unless every weight that trains is spread over all ranks."""
    stray = next((name for name, value in trainable(model) if not _is_spread(value, ranks)), None)
    if not isinstance(model, FSDPModule) or stray is not None:
        raise StudioError(
            f"The model was to be spread over {ranks.count} processes (training.sharding), but "
            f'{stray or "it"} is not. Set training.sharding to "none".',
            code="world_size",
        )


def hand_back(model: nn.Module) -> None:
    """After a forward pass that no backward pass follows: let go of what the first and last parts borrowed."""
    if isinstance(model, FSDPModule):
        model.reshard()


def whole(value: Tensor) -> Tensor:
    """The whole tensor, which all ranks put together; a tensor that is not spread stays as it is."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def own(value: Tensor) -> Tensor:
    """This rank's share of a tensor."""
    return value.to_local() if isinstance(value, DTensor) else value


def spread_like(value: Tensor, pattern: Tensor) -> Tensor:
    """A whole tensor as `pattern` is held: on its device, and where that is spread, this rank's share."""
    if not isinstance(pattern, DTensor) or value.shape != pattern.shape:
        return value
    moved = value.to(pattern.device_mesh.device_type)
    # Each rank has read the same file: nothing needs to be sent.
    return distribute_tensor(moved, pattern.device_mesh, pattern.placements, src_data_rank=None)


def gather(model: nn.Module, ranks: Ranks) -> None:
    """Put what was trained together: on the first rank the trainable weights are whole tensors again.

    The model can then be saved there, not computed with any more.
    """
    for name, value in list(trainable(model)):
        full = whole(value.detach()).cpu()
        if ranks.is_first:
            path, _, last = name.rpartition(".")
            _replace(model, value, model.get_submodule(path), last, full)


def _replace(model: nn.Module, old: nn.Parameter, owner: nn.Module, name: str, new: Tensor) -> None:
    parameter = nn.Parameter(new)
    owner.register_parameter(name, parameter)
    # Tied weights have one name among the parameters and several owners.
    for module in model.modules():
        for key, value in module._parameters.items():
            if value is old:
                module._parameters[key] = parameter


def _share_codes(model: nn.Module) -> None:
    """Let a quantised layer's codes be parameters: only those are spread."""
    for module in model.modules():
        if not isinstance(module, QuantizedLinear):
            continue
        for name, buffer in list(module.named_buffers(recurse=False)):
            if buffer.ndim:
                delattr(module, name)
                module.register_parameter(name, nn.Parameter(buffer, requires_grad=False))


def _is_spread(value: Tensor, ranks: Ranks) -> bool:
    return isinstance(value, DTensor) and value.device_mesh.size() == ranks.count
