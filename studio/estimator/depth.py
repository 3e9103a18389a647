"""Depth: which layers of a base are alike, and the few of them that stand for all."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig

from studio.methods import Base
from studio.spec import MethodChoice
from studio.training.recomputing import recomputed

# What is the same for every layer of a kind, whatever its value: an attribute of these types.
_SIMPLE = (bool, int, float, str, type(None), torch.dtype, tuple)


@dataclass(frozen=True)
class Stack:
    """One column of layers: where it lies in the model, and of each layer what it is (`kinds`).

    `shapes` tells layers apart by their parameters alone: a sliding and a full attention have one shape.
    """

    path: str
    kinds: tuple[Hashable, ...]
    shapes: tuple[Hashable, ...]


@dataclass(frozen=True)
class Sample:
    """Layers that are kept of each stack, by their numbers in the whole model."""

    layers: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def size(self) -> int:
        """How many layers it has."""
        return sum(len(numbers) for _, numbers in self.layers)


@dataclass(frozen=True)
class Depth:
    """How a model that is many layers deep is told from a few.

    Each layer of the whole behaves as `stand_ins` says: `(path, number)` to the number of a layer of
    `sample` between the same neighbours. What grows with depth outside of the layers is found by
    `wider`: samples with one layer more of one shape; `missing` says how many of it the sample lacks.
    """

    stacks: tuple[Stack, ...]
    sample: Sample
    stand_ins: Mapping[str, tuple[int, ...]]
    wider: tuple[Sample, ...]
    missing: tuple[int, ...]


def columns_of(base: nn.Module) -> dict[str, nn.ModuleList]:
    """The outermost lists of layers of `base`, by where they lie."""
    lists = {
        name: module for name, module in base.named_modules() if isinstance(module, nn.ModuleList)
    }
    return {
        name: module
        for name, module in lists.items()
        if not any(name.startswith(f"{other}.") for other in lists)
    }


def stacks_of(base: nn.Module, treatments: Mapping[str, Hashable] | None = None) -> list[Stack]:
    """What the layers of each column are; `treatments`: what a method does to a module, by name."""
    columns = columns_of(base).items()
    return [_stack(name, module, base, treatments or {}) for name, module in columns]


def _stack(
    path: str, layers: nn.ModuleList, base: nn.Module, treatments: Mapping[str, Hashable]
) -> Stack:
    looks = [_look(layer) for layer in layers]
    numbered = _numbers(looks)
    lists = list(lists_by_layer(base, len(layers)))
    kinds, shapes = [], []
    for number, (layer, look) in enumerate(zip(layers, looks, strict=True)):
        treated = tuple(
            treatments.get(f"{path}.{number}.{name}") for name, _ in layer.named_modules()
        )
        said = tuple(str(values[number]) for _, _, values in lists)
        plain = tuple(item for item in look if item[0] not in numbered)
        kinds.append((plain, treated, said))
        tensors = tuple((n, tuple(p.shape), p.dtype) for n, p in layer.named_parameters())
        shapes.append((path, tensors, treated))
    return Stack(path, _as_numbers(kinds), _as_numbers(shapes))


def parted(stacks: Sequence[Stack], share: float) -> list[Stack]:
    """The stacks with their first `share` told apart, which compute intermediate results twice."""
    return [_parted(stack, recomputed(len(stack.kinds), share)) for stack in stacks]


def _parted(stack: Stack, first: int) -> Stack:
    recomputes = [number < first for number in range(len(stack.kinds))]
    kinds = tuple(zip(stack.kinds, recomputes, strict=True))
    shapes = tuple(zip(stack.shapes, recomputes, strict=True))
    return Stack(stack.path, _as_numbers(kinds), _as_numbers(shapes))


def _as_numbers(values: Sequence[Hashable]) -> tuple[int, ...]:
    """The values numbered in order of their first appearance: small, and as good to compare."""
    numbers: dict[Hashable, int] = {}
    return tuple(numbers.setdefault(value, len(numbers)) for value in values)


def _look(layer: nn.Module) -> list[tuple[str, Hashable]]:
    """All that makes a layer behave as it does: its modules, their sizes and plain attributes."""
    found: list[tuple[str, Hashable]] = []
    for name, module in layer.named_modules():
        found.append((f"{name}:class", type(module).__qualname__))
        for attribute, value in vars(module).items():
            if not attribute.startswith("_") and not isinstance(value, PretrainedConfig):
                found.append((f"{name}.{attribute}", _plain(value)))
        tensors = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        found.extend(
            (f"{name}.{n}", (tuple(t.shape), str(t.dtype), t.requires_grad)) for n, t in tensors
        )
    return found


def _plain(value: Any) -> Hashable:
    if isinstance(value, _SIMPLE):
        return str(value)
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return value.__qualname__
    return type(value).__qualname__


def _numbers(looks: Sequence[Sequence[tuple[str, Hashable]]]) -> set[str]:
    """The attributes that are nothing but the layer's own number, in every layer."""
    counted: Counter[str] = Counter()
    for number, look in enumerate(looks):
        counted.update(name for name, value in look if value == str(number))
    return {name for name, times in counted.items() if times == len(looks) > 1}


def configurations(model: nn.Module) -> list[Any]:
    """Every configuration that a module of the model looks into, once."""
    found = {}
    for module in model.modules():
        config = getattr(module, "config", None)
        if isinstance(config, PretrainedConfig):
            found[id(config)] = config
    return list(found.values())


def lists_by_layer(model: nn.Module, depth: int) -> Iterator[tuple[Any, str, Sequence[Any]]]:
    """What configurations say of each of `depth` layers: (configuration, name, values)."""
    for config in configurations(model):
        for name, values in vars(config).items():
            if isinstance(values, list | tuple) and len(values) == depth > 1:
                yield config, name, values


def treatments(choice: MethodChoice, base: Base) -> dict[str, Hashable] | None:
    """By name of a module what the method does to it; None where it cannot be told beforehand.

    It cannot where the method picks layers by their numbers, which fewer layers would not have.
    """
    config = choice.method.peft_config(choice.settings, base) or {}
    picks = getattr(choice.settings, "layers", "all") != "all"
    if picks and not isinstance(config.get("target_modules"), list | tuple):
        return None
    if any("layer" in name and value is not None for name, value in config.items()):
        return None
    lists = {
        name: frozenset(value)
        for name, value in config.items()
        if isinstance(value, list | tuple | set) and all(isinstance(item, str) for item in value)
    }
    # A target may be a larger part than a base's modules, such as a whole attention.
    parts = {module.name for module in base.modules}.union(*lists.values())
    return {
        part: tuple(name for name, targets in lists.items() if _is_in(part, targets))
        for part in parts
    }


def _is_in(name: str, targets: frozenset[str]) -> bool:
    """Whether the name, or its end after a dot, is among the targets: PEFT's own rule."""
    parts = name.split(".")
    return any(".".join(parts[begin:]) in targets for begin in range(len(parts)))


def depth_of(stacks: Sequence[Stack]) -> Depth | None:
    """The few layers that show what every layer between its neighbours does; None where they are no
    fewer than all."""
    contexts = {stack.path: _contexts(stack) for stack in stacks}
    kept = {path: _fewest(found) for path, found in contexts.items()}
    stand_ins = {}
    for stack in stacks:
        whole = contexts[stack.path]
        of_sample = [whole[number] for number in kept[stack.path]]
        stand_ins[stack.path] = tuple(
            kept[stack.path][of_sample.index(context)] for context in whole
        )
    wider, missing = [], []
    for stack in stacks:
        there = Counter(stack.shapes[number] for number in kept[stack.path])
        for shape, times in Counter(stack.shapes).items():
            if times > there[shape]:
                more = {**kept, stack.path: _one_more(stack, kept[stack.path], shape)}
                wider.append(Sample(tuple(more.items())))
                missing.append(times - there[shape])
    sample = Sample(tuple(kept.items()))
    if sum(each.size for each in (sample, *wider)) >= sum(len(s.kinds) for s in stacks):
        return None
    return Depth(tuple(stacks), sample, stand_ins, tuple(wider), tuple(missing))


def _contexts(stack: Stack) -> list[Hashable]:
    """What each layer is, and which shape lies right below and above it."""
    shapes = [None, *stack.shapes, None]
    return [(kind, *shapes[number : number + 3]) for number, kind in enumerate(stack.kinds)]


def _fewest(contexts: Sequence[Hashable]) -> tuple[int, ...]:
    """Numbers of layers that have every context, in an order that is possible: what lies between two
    layers of one context is cut out, as long as all of it is found elsewhere."""
    kept = list(range(len(contexts)))
    length = 1
    while length < len(kept):
        begin = 0
        while begin + length < len(kept):
            cut = kept[begin + 1 : begin + length + 1]
            left = Counter(contexts[number] for number in kept)
            left.subtract(contexts[number] for number in cut)
            is_same = contexts[kept[begin]] == contexts[cut[-1]]
            if is_same and all(left[contexts[number]] > 0 for number in cut):
                del kept[begin + 1 : begin + length + 1]
            else:
                begin += 1
        length += 1
    return tuple(kept)


def _one_more(stack: Stack, kept: Sequence[int], shape: Hashable) -> tuple[int, ...]:
    """`kept` with one layer more of this shape, beside one of its own where that can be."""
    spare = [
        number for number, found in enumerate(stack.shapes) if found == shape and number not in kept
    ]
    inner = [number for number in spare if number - 1 in kept]
    return tuple(sorted((*kept, (inner or spare)[0])))
