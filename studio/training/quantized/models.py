"""Whole models: which layers are quantised, and how they become plain ones again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from studio.errors import AskedWrongly, FieldProblem
from studio.spec import ModelChoice
from studio.training.heads import on_top
from studio.training.quantized.linear import QuantizedLinear
from studio.training.quantized.storage import Kind


def quantize(model: nn.Module, kind: Kind, *, double: bool, dtype: torch.dtype) -> nn.Module:
    """Quantise the linear layers of `model` in place, one after the other; the rest becomes `dtype`.

    The output layer, what is tied to the embedding and a classifier's head stay whole: each of their
    errors is a wrong word, and a head trains.
    Raises AskedWrongly where the model has no linear layer that could be quantised.
    """
    output = model.get_output_embeddings()  # type: ignore[operator]
    whole = [output, model.get_input_embeddings(), *map(model.get_submodule, on_top(model))]  # type: ignore[operator]
    kept = {id(value) for module in whole if module is not None for value in module.parameters()}

    def change(module: nn.Module) -> nn.Module | None:
        if type(module) is not nn.Linear or id(module.weight) in kept:
            return None
        return QuantizedLinear(module, kind, double=double, dtype=dtype)

    if not _replace(model, change):
        raise AskedWrongly(
            "This kind of model has no linear layers that can be held in few bits. "
            'Set model.quantization to "none".',
            code="spec",
            fields=[FieldProblem("model.quantization", "This kind of model cannot be quantised.")],
        )
    return _own(model, dtype)


def hold(base: nn.Module, choice: ModelChoice, dtype: torch.dtype) -> nn.Module:
    """The base as a spec wants it held: in `dtype`, or its linear layers quantised, in place."""
    if choice.quantization == "none":
        return base.to(dtype)
    return quantize(base, choice.quantization, double=choice.double_quantization, dtype=dtype)


def dequantize(model: nn.Module) -> nn.Module:
    """Turn every quantised layer of `model` into a plain one with the same numbers, in place."""
    _replace(
        model,
        lambda module: module.dequantized() if isinstance(module, QuantizedLinear) else None,
    )
    return model


def is_quantized(model: nn.Module) -> bool:
    """Whether any layer of `model` is quantised."""
    return any(isinstance(module, QuantizedLinear) for module in model.modules())


def _own(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """`model` in `dtype`, its parameters in memory of their own: a single one that is still a part of the
    mapped file holds all of the file, and with it the weights that are no longer needed."""
    for parameter in model.parameters():
        wanted = dtype if parameter.is_floating_point() else parameter.dtype
        parameter.data = parameter.data.to(wanted, copy=True)
    return model.to(dtype)


def _replace(model: nn.Module, change: Callable[[nn.Module], nn.Module | None]) -> int:
    """Put `change(module)` in the place of each module below `model` where it gives one; how many."""
    count = 0
    for parent in list(model.modules()):
        children: dict[str, Any] = dict(parent.named_children())
        for name, child in children.items():
            made = change(child)
            if made is not None:
                setattr(parent, name, made)
                count += 1
    return count
