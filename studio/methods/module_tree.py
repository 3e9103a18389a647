"""The module tree: a base's linear layers by where they stand and what they are called, with counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from studio.methods.base import Base, Module
from studio.methods.targets import is_named

# Layers that do in one what others do in several: they are one target, and say so.
_FUSED = (
    (
        re.compile(r"^(qkv|qkv_proj|wqkv|c_attn|query_key_value)$", re.IGNORECASE),
        "query, key and value in one",
    ),
    (
        re.compile(r"^(gate_up_proj|up_gate_proj|w12)$", re.IGNORECASE),
        "gate and up in one",
    ),
)


@dataclass(frozen=True)
class Leaf:
    """All modules of one kind: the same place in every layer that has it.

    `targets` names them and no others; `weights` counts the numbers in all their matrices; `fused` says
    what they hold in one, where they do.
    """

    title: str
    targets: tuple[str, ...]
    modules: tuple[Module, ...]
    fused: str = ""

    @property
    def weights(self) -> int:
        """The numbers in their matrices."""
        return sum(module.inputs * module.outputs for module in self.modules)

    @property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """Each pair of inputs and outputs once, rising."""
        return tuple(sorted({(module.inputs, module.outputs) for module in self.modules}))

    @property
    def is_attention(self) -> bool:
        """Whether they belong to attention."""
        return self.modules[0].is_attention


@dataclass(frozen=True)
class Branch:
    """A part of the layers, such as `self_attn`, with its leaves in the model's order."""

    title: str
    leaves: tuple[Leaf, ...]


def module_tree(base: Base) -> tuple[Branch, ...]:
    """The base's linear modules, branch by branch in the model's order; each module is in one leaf."""
    places: dict[tuple[str, str], list[Module]] = {}
    for module in base.linear:
        places.setdefault(_place(module), []).append(module)
    branches: dict[str, list[Leaf]] = {}
    for (branch, name), modules in places.items():
        leaf = Leaf(name, _targets(modules, base.linear), tuple(modules), fused_words(name))
        branches.setdefault(branch, []).append(leaf)
    return tuple(Branch(title, tuple(leaves)) for title, leaves in branches.items())


def fused_words(name: str) -> str:
    """What a layer of this last name holds in one; empty where it is one thing."""
    return next((words for pattern, words in _FUSED if pattern.match(name)), "")


def _place(module: Module) -> tuple[str, str]:
    """The part of the layer that it stands in, and its last name; numbers of layers and experts fall away."""
    *path, name = module.name.split(".")
    kept: list[str] = []
    if module.layer is not None:
        numbered = next(place for place, part in enumerate(path) if part.isdigit())
        # An encoder's layers and a decoder's have a place of their own.
        kept = [part for part in path[:numbered] if part in ("encoder", "decoder")]
        path = path[numbered + 1 :]
    return ".".join([*kept, *("*" if part.isdigit() else part for part in path)]), name


def _targets(chosen: Sequence[Module], modules: Sequence[Module]) -> tuple[str, ...]:
    """The shortest end of a name that means `chosen` alone; where there is none, their whole names."""
    names = {module.name for module in chosen}
    parts = chosen[0].name.split(".")
    for begin in range(len(parts) - 1, 0, -1):
        end = ".".join(parts[begin:])
        if {each.name for each in modules if is_named(each.name, [end])} == names:
            return (end,)
    return tuple(module.name for module in chosen)
