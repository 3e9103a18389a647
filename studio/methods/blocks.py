"""Blocks: where in each transformer layer attention and feed-forward end, told by structure, not by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio.methods.base import Base, Module

_ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """One transformer layer. `attentions` are its attentions' linear modules, each one's in a tuple of
    its own (a decoder that reads an encoder has two); `feed_forward` are all others."""

    name: str
    layer: int
    attentions: tuple[tuple[Module, ...], ...]
    feed_forward: tuple[Module, ...]


def blocks(base: Base) -> list[Block]:
    """The transformer layers in the model's order, an encoder's and a decoder's apart."""
    found: dict[str, list[Module]] = {}
    for module in base.linear:
        if module.layer is not None:
            found.setdefault(_block_name(module), []).append(module)
    return [_block(name, modules) for name, modules in found.items()]


def sublayer_ends(base: Base, chosen: set[int]) -> list[Module] | None:
    """Of the chosen layers, the module with which each attention and each feed-forward comes back to the
    model's width: the last one that does. None where a layer has no such pair."""
    ends = []
    for block in blocks(base):
        if block.layer not in chosen:
            continue
        last = [_end(modules, base.hidden) for modules in (*block.attentions, block.feed_forward)]
        if not block.attentions or None in last:
            return None
        ends += [module for module in last if module is not None]
    return ends or None


def feed_forwards(base: Base) -> list[tuple[Block, tuple[Module, ...], Module]] | None:
    """Of each layer the modules into its inner nodes, and the one out of them; None where a layer has none.

    An inner node is one row of each of the first and one column of the second.
    """
    found = []
    for block in blocks(base):
        out = _end(block.feed_forward, base.hidden)
        if out is None:
            return None
        into = tuple(
            module
            for module in block.feed_forward
            if module is not out and module.outputs == out.inputs and module.inputs == base.hidden
        )
        if not into or len(into) + 1 != len(block.feed_forward):
            return None
        found.append((block, into, out))
    return found or None


def _block(name: str, modules: list[Module]) -> Block:
    attentions: dict[str, list[Module]] = {}
    for module in modules:
        if module.is_attention:
            attentions.setdefault(_attention_name(module), []).append(module)
    rest = tuple(module for module in modules if not module.is_attention)
    return Block(name, modules[0].layer or 0, tuple(map(tuple, attentions.values())), rest)


def _block_name(module: Module) -> str:
    """The name up to its first number: `decoder.block.0`."""
    parts = module.name.split(".")
    return ".".join(parts[: 1 + next(i for i, part in enumerate(parts) if part.isdigit())])


def _attention_name(module: Module) -> str:
    """The name up to the part that says attention."""
    parts = module.name.split(".")
    last = next(place for place, part in enumerate(parts) if _ATTENTION.search(part))
    return ".".join(parts[: last + 1])


def _end(modules: tuple[Module, ...], width: int) -> Module | None:
    return next((module for module in reversed(modules) if module.outputs == width), None)
