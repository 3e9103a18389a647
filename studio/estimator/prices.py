"""Prices: the seconds that an operation takes on this machine, each tried once on real numbers and kept."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jobs.durable import write_json
from studio.estimator.operations import Like, Operation, Work, real, shortened

FILE_NAME = "prices.json"
# Tried on smaller matrices and shorter lists: their price for each number is the same.
_MOST_FLOPS, _MOST_BYTES = 1e9, 64_000_000
# Several turns, on so many bytes of changing tensors that they do not all lie in the processor's cache;
# results are held meanwhile, as a step holds them, so that their memory is new.
_TURNS, _TURN_S, _COLD_BYTES, _HELD_BYTES = 5, 0.0005, 48_000_000, 128_000_000
# For a piece of work so many CPU seconds go into trying what was never tried, the dearest first; what is left
# over then, and what cannot be tried, is charged as the others are.
_BUDGET_S, _ENOUGH = 2.5, 0.98
_LONG_LIST = 16
# For the order of trying alone.
_FLOPS_A_SECOND, _BYTES_A_SECOND = 3e10, 3e9


@dataclass(frozen=True)
class Seconds:
    """Time that no other program can lengthen: of the thread that leads, which is the time by the clock on
    an idle machine, and of all threads together (`cpu`). On one thread they are the same."""

    own: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.own + other.own, self.cpu + other.cpu)

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.own - other.own, self.cpu - other.cpu)

    def __mul__(self, times: float) -> Seconds:
        return Seconds(self.own * times, self.cpu * times)

    @classmethod
    def now(cls) -> Seconds:
        """A reading: the difference of two is what lay between them."""
        return cls(time.thread_time(), time.process_time())


@dataclass(frozen=True)
class Cost:
    """Seconds of some work within its operations, and how many operations that were."""

    seconds: Seconds
    operations: float


class Prices:
    """The prices of one device, number of threads and version of torch, in the file of a data home."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE_NAME
        self._machine = f"cpu {torch.__version__} {torch.get_num_threads()}"
        self._known: dict[str, list[float]] = _read(self._file).get(self._machine, {})
        self._left_s = 0.0

    def get(self, name: str) -> Seconds | None:
        """A price that is no operation's, kept under `name`."""
        found = self._known.get(name)
        return Seconds(*found) if found else None

    def keep(self, name: str, price: Seconds) -> None:
        """Keep a price under `name`."""
        self._known[name] = [price.own, price.cpu]
        self._write()

    def cost(self, work: Work) -> Cost:
        """What the work costs; tries operations that were never tried, within a budget of its own."""
        self._left_s = _BUDGET_S
        self._try_dearest(work)
        known = {each: self._price(each) for each in work if each.bytes}
        usual = {
            has_products: _usual(
                (price, count * _amount(each))
                for each, count in work.items()
                if (price := known.get(each)) is not None and bool(each.flops) is has_products
            )
            for has_products in (True, False)
        }
        total = Seconds()
        for each, count in work.items():
            if each.bytes:
                price = known[each]
                unit = usual[bool(each.flops)] if price is None else price
                total += unit * (count * _amount(each))
        return Cost(total, float(sum(work.values())))

    def _price(self, operation: Operation) -> Seconds | None:
        """Of one unit; None where it was not tried or cannot be."""
        found = self._known.get(_key(operation))
        return Seconds(*found) if found else None

    def _try_dearest(self, work: Work) -> None:
        guesses = sorted(
            ((abs(count) * _guess(each), each) for each, count in work.items() if each.bytes),
            key=lambda pair: -pair[0],
        )
        total, seen, tried = sum(guess for guess, _ in guesses), 0.0, False
        for guess, each in guesses:
            if seen > _ENOUGH * total or self._left_s <= 0:
                break
            seen += guess
            if _key(each) not in self._known:
                began = time.process_time()
                price = _tried(each)
                # Nothing: it cannot be tried.
                self._known[_key(each)] = [price.own, price.cpu] if price else []
                self._left_s -= time.process_time() - began
                tried = True
        if tried:
            self._write()

    def _write(self) -> None:
        # A home that cannot be written to is told of elsewhere; the next process tries again.
        with contextlib.suppress(OSError):
            write_json(self._file, {**_read(self._file), self._machine: self._known})


def _read(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _amount(operation: Operation) -> int:
    return operation.flops or operation.bytes


def _guess(operation: Operation) -> float:
    return operation.flops / _FLOPS_A_SECOND + operation.bytes / _BYTES_A_SECOND


def _usual(prices: Iterator[tuple[Seconds, float]]) -> Seconds:
    """The mean price of a unit, over all that has one."""
    pairs = [(price, amount) for price, amount in prices if amount > 0]
    whole = sum(amount for _, amount in pairs)
    total = sum((price * amount for price, amount in pairs), start=Seconds())
    return total * (1 / whole) if whole else total


def _key(operation: Operation) -> str:
    """Alike in name, kinds of numbers and, but for a step of half a power of two, in sizes."""
    parts = [operation.name]
    named = [value for _, value in operation.kwargs]
    for value in (*operation.args, *named):
        if isinstance(value, Like):
            parts.append(_size_of(value))
        elif isinstance(value, tuple) and value and isinstance(value[0], Like):
            parts.append(_size_of_list(value))
        elif isinstance(value, bool | int | float | str) and not operation.flops:
            parts.append("_")
    return " ".join(parts).replace("torch.", "")


def _size_of(like: Like) -> str:
    sizes = "x".join(str(round(2 * math.log2(size)) if size > 1 else 0) for size in like.shape)
    is_plain = like.stride == torch.empty(like.shape, device="meta").stride()
    return f"{like.dtype}:{sizes}{'' if is_plain else '~'}"


def _size_of_list(likes: tuple[Like, ...]) -> str:
    """A short list by all that it holds; a long one, which grows with a model's depth, by its mean."""
    whole = sum(like.bytes for like in likes)
    is_long = len(likes) > _LONG_LIST
    size = round(2 * math.log2(max(1, whole / len(likes) if is_long else whole)))
    return f"[{likes[0].dtype}:{size} {'each' if is_long else 'in all'}]"


def _tried(operation: Operation) -> Seconds | None:
    """Seconds of one unit of the operation, the least of some turns; None where it cannot be run."""
    for each in dict.fromkeys((_smaller(operation), operation)):
        try:
            return _timed(each)
        except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
            continue
    return None


def _timed(operation: Operation) -> Seconds:
    sets = max(1, min(8, int(_COLD_BYTES // max(1, operation.bytes))))
    given = [
        (
            real(operation.args, _filled, "cpu"),
            dict(real(operation.kwargs, _filled, "cpu")),
        )
        for _ in range(sets)
    ]
    held: list[Any] = []
    calls_held = max(1, int(_HELD_BYTES // max(1, operation.bytes)))

    def turn(least_s: float) -> Seconds:
        began, calls, taken = Seconds.now(), 0, Seconds()
        while calls == 0 or taken.own < least_s:
            args, kwargs = given[calls % sets]
            held.append(operation.call(*args, **kwargs))
            calls += 1
            if len(held) >= calls_held:
                held.clear()
            taken = Seconds.now() - began
        return taken * (1 / calls)

    with torch.no_grad():
        turn(0.0)
        found = least([turn(_TURN_S) for _ in range(_TURNS)])
    return found * (1 / _amount(operation))


def least(found: Sequence[Seconds]) -> Seconds:
    """The least of each: other programs only make an operation look slower, by emptying the caches."""
    return Seconds(min(each.own for each in found), min(each.cpu for each in found))


def _filled(like: Like) -> Tensor:
    """Numbers between a half and one; whole numbers are 0, which is a place in every table."""
    needed = 1 + sum(
        (length - 1) * stride for length, stride in zip(like.shape, like.stride, strict=True)
    )
    if 0 in like.shape:
        return torch.empty(like.shape, dtype=like.dtype)
    if like.dtype.is_floating_point:
        flat = torch.rand(needed).mul_(0.5).add_(0.5).to(like.dtype)
    else:
        flat = torch.zeros(needed, dtype=like.dtype)
    return flat.as_strided(like.shape, like.stride)


def _smaller(operation: Operation) -> Operation:
    """A product of smaller matrices, a shorter list, else the operation itself."""
    operation = shortened(operation, _MOST_BYTES)
    if operation.flops > _MOST_FLOPS and operation.name in _PRODUCTS:
        return _PRODUCTS[operation.name](operation)
    return operation


def _smaller_product(operation: Operation) -> Operation:
    """The last two arguments are matrices `(m, k)` and `(k, n)`: the longest sides are halved."""
    *before, left, right = operation.args
    (m, k), n, flops = left.shape, right.shape[1], operation.flops
    while flops > _MOST_FLOPS:
        longest = max(m, k, n)
        m, k, n = (side // 2 if side == longest else side for side in (m, k, n))
        flops = 2 * m * k * n
    before = [
        Like((*each.shape[:-1], n) if len(each.shape) == 1 else (m, n), each.stride, each.dtype)
        if isinstance(each, Like)
        else each
        for each in before
    ]
    args = (*before, _cut(left, m, k), _cut(right, k, n))
    return Operation(operation.call, args, operation.kwargs, flops, operation.bytes)


def _cut(like: Like, rows: int, columns: int) -> Like:
    return Like((rows, columns), like.stride, like.dtype)


_PRODUCTS: Mapping[str, Callable[[Operation], Operation]] = {
    "aten.mm.default": _smaller_product,
    "aten.addmm.default": _smaller_product,
    "aten.addmm_.default": _smaller_product,
}
