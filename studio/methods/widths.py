"""Sizes that must divide a base's widths: which can be used, and which one is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studio.errors import AskedWrongly, FieldProblem
from studio.methods.base import Base, common_divisors
from studio.methods.targets import Targeted, choose


def offered(settings: Targeted, base: Base, *, at_most: int) -> tuple[int, ...]:
    """The sizes that divide both widths of every module that learns, rising."""
    return common_divisors(choose(settings, base), at_most=at_most)


def input_blocks(settings: Targeted, base: Base, *, at_most: int) -> tuple[int, ...]:
    """Sizes from 2 that divide the inputs of every module that learns: a block of one cannot turn."""
    inputs = [replace(module, outputs=module.inputs) for module in choose(settings, base)]
    return tuple(size for size in common_divisors(inputs, at_most=at_most) if size > 1)


def too_few_weights(count: int, settings: Targeted, base: Base, things: str) -> str | None:
    """Why `count` of `things` a layer cannot be placed in the smallest module that learns, if so."""
    smallest = min((each.inputs * each.outputs for each in choose(settings, base)), default=0)
    if count <= smallest:
        return None
    return f"its smallest layer has {smallest} weights, fewer than {count} {things}"


def settle(asked: int | None, able: Sequence[int], field: str, *, usual: int) -> int:
    """`asked` where it can be used; left out, the largest that can be and is at most `usual`.

    Raises AskedWrongly with those that can be used.
    """
    if asked is None:
        return max((size for size in able if size <= usual), default=1)
    if asked in able:
        return asked
    words = (
        f"{asked} does not divide the widths of this model's layers. "
        f"Use one of {', '.join(map(str, able))}."
    )
    raise AskedWrongly(words, code="spec", fields=[FieldProblem(f"method.{field}", words)])
