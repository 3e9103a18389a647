"""Thinning: a base with a few of its layers, which keep the numbers that they have in the whole."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn

from studio.estimator.depth import Sample, configurations, lists_by_layer

# What configurations call their number of layers; transformers maps its own names onto these.
_DEPTHS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "encoder_layers")
# What parts of a layer call its number.
_NUMBERS = ("layer_idx", "layer_id", "layer_number")
_DEPTHS_OF_DECODER = ("num_decoder_layers", "decoder_layers")


def thinned(base: nn.Module, sample: Sample) -> nn.Module:
    """A copy of `base` with the sample's layers alone; `base` is as it was afterwards."""
    depths = {path: len(_list(base, path)) for path, _ in sample.layers}
    with _without_other_layers(base, sample):
        thin = copy.deepcopy(base)
    for path, numbers in sample.layers:
        _tell(thin, path, depths[path], numbers)
        _renumber(_list(thin, path), numbers)
    return thin


def _renumber(layers: nn.ModuleList, numbers: Sequence[int]) -> None:
    """Let the layers' parts ask for their own keys and values where a cache has as many as there are
    layers left; by their names they keep the numbers that they have in the whole."""
    for place, (number, layer) in enumerate(zip(numbers, layers.children(), strict=True)):
        for module in layer.modules():
            for name in _NUMBERS:
                if vars(module).get(name) == number:
                    setattr(module, name, place)


def _list(base: nn.Module, path: str) -> nn.ModuleList:
    layers = base.get_submodule(path)
    assert isinstance(layers, nn.ModuleList)
    return layers


@contextmanager
def _without_other_layers(base: nn.Module, sample: Sample) -> Iterator[None]:
    lists = [(_list(base, path), set(map(str, numbers))) for path, numbers in sample.layers]
    whole = [(layers, layers._modules) for layers, _ in lists]
    for layers, kept in lists:
        layers._modules = {name: m for name, m in layers._modules.items() if name in kept}
    try:
        yield
    finally:
        for layers, modules in whole:
            layers._modules = modules


def _tell(thin: nn.Module, path: str, depth: int, numbers: Sequence[int]) -> None:
    """Let the configurations speak of the layers that are left."""
    for config, name, values in list(lists_by_layer(thin, depth)):
        chosen = [values[number] for number in numbers]
        setattr(config, name, chosen if isinstance(values, list) else tuple(chosen))
    for config in configurations(thin):
        names: tuple[str, ...] = _DEPTHS_OF_DECODER if "decoder" in path.split(".") else ()
        found = [name for name in names if _is(config, name, depth)]
        for name in found or [name for name in _DEPTHS if _is(config, name, depth)]:
            setattr(config, name, len(numbers))


def _is(config: Any, name: str, depth: int) -> bool:
    return name in vars(config) and getattr(config, name) == depth
