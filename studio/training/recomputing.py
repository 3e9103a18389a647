"""Recomputing: which layers compute their intermediate results twice instead of keeping them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer


def recompute(
    model: nn.Module, share: float = 1.0, depths: Mapping[str, int] | None = None
) -> None:
    """Let the first `share` of each stack of layers recompute its activations in the backward pass; 0: none.

    The first, not every second: the way back begins at the last layer, so what those above kept is free
    again by the time the first ones compute anew. An architecture that cannot recompute a part
    recomputes all. `depths` tells how many layers a stack has in the whole model, by its path there, where
    `model` has only some of them, under their own numbers.
    """
    if not share:
        return
    adapted: Any = model
    adapted.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    # Only reentrant recomputing needs a gradient at the embeddings; through frozen layers it is dear.
    adapted.disable_input_require_grads()
    if share == 1:
        return
    for path, layers in _stacks(model):
        depth = _depth_of(path, depths or {}) or len(layers)
        for name, layer in layers.named_children():
            recomputes = int(name) < recomputed(depth, share)
            for module in layer.modules():
                if isinstance(module, GradientCheckpointingLayer):
                    module.gradient_checkpointing = recomputes


def recomputed(depth: int, share: float) -> int:
    """How many of `depth` layers, counted from the first, compute twice."""
    return math.ceil(depth * share)


def _stacks(model: nn.Module) -> Iterator[tuple[str, nn.ModuleList]]:
    """The outermost lists of layers that know how to recompute, by their paths."""
    below: tuple[str, ...] = ()
    for path, module in model.named_modules():
        if not isinstance(module, nn.ModuleList) or path.startswith(below):
            continue
        if any(isinstance(each, GradientCheckpointingLayer) for each in module):
            below = (*below, f"{path}.")
            yield path, module


def _depth_of(path: str, depths: Mapping[str, int]) -> int | None:
    """The depth of the stack that lies at the end of `path`: a method may have put the model into another."""
    return next((depth for end, depth in depths.items() if f".{path}".endswith(f".{end}")), None)
