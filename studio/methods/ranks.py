"""Ranks: how high the rank of what is added to a layer may be, and the refusal of more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from studio.errors import AskedWrongly, FieldProblem
from studio.methods.base import Base, Module
from studio.methods.targets import Targeted, choose


class Ranked(Targeted, Protocol):
    """Settings that say which modules learn, and at which rank."""

    @property
    def rank(self) -> int: ...


def room(module: Module) -> int:
    """The highest rank that a change of this layer can have: that of any matrix of its shape."""
    return min(module.inputs, module.outputs)


def hold(settings: Ranked, base: Base) -> None:
    """Refuse a rank for which no layer that learns has room; a method's `unsuited`.

    One that is too high for some layers only is taken: grouped keys and values are narrower than the rest,
    and what lies idle there is small.
    """
    refuse_idle(settings.rank, map(room, choose(settings, base)))


def refuse_idle(rank: int, rooms: Iterable[int], *, field: str = "rank") -> None:
    """Raise AskedWrongly where the rank is above all of `rooms`: the rest of it could learn nothing."""
    reason = "no layer that learns here has room for so much, and what is above learns nothing"
    refuse(rank, max(rooms), reason, field=field)


def refuse(rank: int, most: int, reason: str, *, field: str = "rank") -> None:
    """Raise AskedWrongly at the field where the rank is above `most`."""
    if rank <= most:
        return
    words = f"A rank of {rank} is too high for this model: {reason}. Use at most {most}."
    raise AskedWrongly(words, code="spec", fields=[FieldProblem(f"method.{field}", words)])
