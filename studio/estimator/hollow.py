"""Hollow models: tensors of their full shapes that hold one number, for methods that look at values.

A few methods choose what trains by looking at the base's numbers, which a model on the meta device has
not. They are attached to a base of zeros that takes no memory, and everything goes to the meta device
afterwards: shapes are what they would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

_DIMENSIONS = 2


def filled_with_zeros(model: nn.Module) -> nn.Module:
    """Every tensor of a meta `model` as zeros on the CPU that share one number each, in place."""
    return _changed(model, lambda value: torch.zeros((), dtype=value.dtype).expand(value.shape))


def emptied(model: nn.Module) -> nn.Module:
    """Every tensor of `model` on the meta device, in place, but for a few whole numbers: a method keeps a
    size in them, which it asks for."""
    return _changed(
        model,
        lambda value: value if _is_a_size(value) else torch.empty_like(value, device="meta"),
    )


def dictionaries(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Those in which a method keeps tensors that torch knows nothing of, such as places of sparse weights."""
    for module in model.modules():
        for name, held in vars(module).items():
            is_plain = type(held) is dict and not name.startswith("_")
            if is_plain and held and all(isinstance(value, Tensor) for value in held.values()):
                yield held


def _is_a_size(value: Tensor) -> bool:
    return value.dtype == torch.int64 and value.numel() <= _DIMENSIONS


def _changed(model: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """What was tied stays tied."""
    made: dict[int, Tensor] = {}
    with torch.no_grad(), torch.device("cpu"):
        for module in model.modules():
            for held in (module._parameters, module._buffers):
                for name, value in held.items():
                    if value is None:
                        continue
                    if id(value) not in made:
                        new = change(value.detach())
                        if isinstance(value, nn.Parameter):
                            new = nn.Parameter(new, requires_grad=value.requires_grad)
                        made[id(value)] = new
                    held[name] = made[id(value)]  # type: ignore[assignment]
        for beside in dictionaries(model):
            beside.update({name: change(value) for name, value in beside.items()})
    return model
