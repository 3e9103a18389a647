"""Live storages: which bytes are held at each moment of a step, by what they are for."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from studio.estimator.flops import flops_of
from studio.estimator.outlines import done
from studio.estimator.passing import passing_bounds

Part = Literal[
    "weights", "quantization", "adapter", "gradients", "optimizer", "activations", "loss",
    "overhead",
]  # fmt: skip
PARTS: tuple[Part, ...] = (
    "weights", "quantization", "adapter", "gradients", "optimizer", "activations", "loss",
    "overhead",
)  # fmt: skip
Moment = Literal["forward", "loss", "backward", "optimizer"]


class NotWanted(Exception):
    """Nobody waits for this simulation any more."""


# Bytes of each part, in the order of PARTS.
Bytes = tuple[int, ...]
NOTHING: Bytes = (0,) * len(PARTS)


@dataclass(frozen=True)
class Pass:
    """One layer's turn in the forward or the backward pass: its stack's path and its number there."""

    path: str
    layer: int
    is_backward: bool


@dataclass(frozen=True)
class Segment:
    """A stretch of a step, of one layer or (`turn` is None) of what lies between and around them.

    `net` is what it leaves behind, `top` what it held at its highest, both beyond what was held when it
    began; `flops` are its own.
    """

    turn: Pass | None
    net: Bytes
    top: Bytes
    moment: Moment
    flops: int


@dataclass(frozen=True)
class Trace:
    """A step in segments: what was held before the first, and each in its order."""

    start: Bytes
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class History:
    """All that happened to storages in a step: `kinds` are the same for every batch of one regime, `sizes`
    (bytes, of a mark its operations) belong to them one by one.

    A kind is `("+", part)`, `("-", part)`, `("=", before, after)` for a storage that comes, goes or is
    counted as another part, `("?", moment)` where the peak was looked for (its size is what passes then, or
    the least of its own and those of the `("or",)` before it), `("|", turn, moment)` for a mark.
    """

    start: Bytes
    kinds: tuple[tuple[Any, ...], ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Peak:
    """The most bytes held at once: `moment` of the step, and what each part held then (they add up)."""

    bytes: int
    moment: Moment
    parts: dict[Part, int]


@dataclass
class _Held:
    """One storage that is alive; the reference tells when it no longer is."""

    reference: Any
    bytes: int
    part: Part


class LiveStorages(TorchDispatchMode):
    """While active, counts each storage that an operation makes until nothing refers to it any more.

    What a kernel takes and gives back inside one operation is not seen: on the CPU that is nothing
    in all operations of a training step but those that `passing_bounds` knows.
    """

    def __init__(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._is_wanted = is_wanted
        self._stands_for = 1
        self.part: Part = "activations"
        self.moment: Moment = "forward"
        self.flops = 0
        self._held: dict[int, _Held] = {}
        self._bytes: dict[Part, int] = dict.fromkeys(PARTS, 0)
        self._total = 0
        self.forget_peak()

    def forget_peak(self) -> None:
        """Begin anew with what is held now, and with no operation counted."""
        self.peak = Peak(self._total, self.moment, dict(self._bytes))
        self.flops = 0
        self._start, self._segments = self._now(), list[Segment]()
        self._kinds, self._sizes = list[tuple[Any, ...]](), list[int]()
        self._begin(None)

    def mark(self, turn: Pass | None) -> None:
        """Here a layer's turn begins, or ends (None)."""
        now = self._now()
        self._note(("|", turn, self.moment), self.flops - self._flops_before)
        self._segments.append(
            Segment(
                self._turn,
                net=_difference(now, self._began),
                top=_difference(self._top, self._began),
                moment=self._top_moment,
                flops=self.flops - self._flops_before,
            )
        )
        self._begin(turn)

    def trace(self) -> Trace:
        """The step since the peak was forgotten."""
        self.mark(None)
        return Trace(self._start, tuple(self._segments))

    def history(self) -> History:
        """The same, event by event; asked for after the last mark."""
        return History(self._start, tuple(self._kinds), tuple(self._sizes))

    @contextmanager
    def standing_for(self, times: int) -> Iterator[None]:
        """What is computed inside is done so many times, one after the other, in the real step."""
        self._stands_for = times
        try:
            yield
        finally:
            self._stands_for = 1

    def _note(self, kind: tuple[Any, ...], size: int) -> None:
        self._kinds.append(kind)
        self._sizes.append(size)

    def _begin(self, turn: Pass | None) -> None:
        self._turn = turn
        self._began = self._top = self._now()
        self._top_total, self._top_moment = self._total, self.moment
        self._flops_before = self.flops

    def _now(self) -> Bytes:
        return tuple(self._bytes.values())

    def hold(self, tensor: Tensor, part: Part) -> None:
        """Count a tensor's storage, once, as `part`; one that is held already becomes that part."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        held = self._held.get(key)
        if held is None:
            reference = weakref.ref(storage, functools.partial(self._let_go, key))
            self._held[key] = _Held(reference, size, part)
            self._total += size
            self._note(("+", part), size)
        elif held.part != part:
            self._note(("=", held.part, part), size)
            self._bytes[held.part] -= held.bytes
            held.part = part
        else:
            return
        self._bytes[part] += size

    @contextmanager
    def within(self, part: Part, moment: Moment) -> Iterator[None]:
        """What is made inside belongs to `part`."""
        before = self.part, self.moment
        self.part, self.moment = part, moment
        try:
            yield
        finally:
            self.part, self.moment = before

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if not self._is_wanted():
            raise NotWanted
        out = done(func, args, kwargs or {})
        for tensor in _tensors(out):
            if tensor.untyped_storage()._cdata not in self._held:
                self.hold(tensor, self.part)
        *others, last = bounds = passing_bounds(func._overloadpacket, args, kwargs or {})
        for bound in others:
            self._note(("or",), bound)
        self._note(("?", self.moment), last)
        passing = min(bounds)
        if self._total + passing > min(self.peak.bytes, self._top_total):
            self._is_highest(passing)
        self.flops += self._stands_for * flops_of(func, args, kwargs or {}, out)
        return out

    def _is_highest(self, passing: int) -> None:
        """Now, where an operation holds so many bytes besides while it goes on."""
        total, held = self._total + passing, dict(self._bytes)
        held["activations"] += passing
        if total > self._top_total:
            self._top, self._top_total = tuple(held.values()), total
            self._top_moment = self.moment
        if total > self.peak.bytes:
            self.peak = Peak(total, self.moment, held)

    def _let_go(self, key: int, reference: Any) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._total -= held.bytes
            self._bytes[held.part] -= held.bytes
            self._note(("-", held.part), held.bytes)


def _difference(after: Bytes, before: Bytes) -> Bytes:
    return tuple(a - b for a, b in zip(after, before, strict=True))


def _tensors(out: Any) -> Iterator[Tensor]:
    if isinstance(out, Tensor):
        yield out
    elif isinstance(out, tuple | list):
        for item in out:
            yield from _tensors(item)
