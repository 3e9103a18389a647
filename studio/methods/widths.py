"""Sizes that must divide a base's widths: which can be used, and which one is taken."""

from __future__ import annotations

from collections.abc import Sequence

from studio.errors import AskedWrongly, FieldProblem
from studio.methods.base import Base, common_divisors
from studio.methods.targets import Targeted, choose


def offered(settings: Targeted, base: Base, *, at_most: int) -> tuple[int, ...]:
    """The sizes that divide both widths of every module that learns, rising."""
    return common_divisors(choose(settings, base), at_most=at_most)


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
