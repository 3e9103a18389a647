"""Operations: what a stretch of training computes, one by one, with the shapes they are computed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from studio.estimator.flops import flops_of
from studio.estimator.outlines import done


@dataclass(frozen=True)
class Like:
    """A tensor without its values."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor) -> Like:
        """As `tensor` is."""
        return cls(tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype)

    @property
    def bytes(self) -> int:
        """What its values take, once each: a dimension that is only repeated takes nothing."""
        size = self.dtype.itemsize
        for length, stride in zip(self.shape, self.stride, strict=True):
            size *= length if stride or length == 0 else 1
        return size


@dataclass(frozen=True)
class Operation:
    """One call of torch: `args` and `kwargs` with a Like in the place of each tensor.

    `flops` are those of its products, 0 where it has none; `bytes` what it reads and writes, 0 where it
    only looks at the same numbers in another way.
    """

    call: Any
    args: tuple[Any, ...]
    kwargs: tuple[Any, ...]
    flops: int
    bytes: int

    @property
    def name(self) -> str:
        """torch's own."""
        return str(self.call)

    def likes(self) -> Iterator[Like]:
        """Its tensors."""
        yield from _likes(self.args)
        yield from _likes(self.kwargs)


# How often each operation is done. Where a whole is told by a few layers, also a difference: below 0.
Work = Counter[Operation]


def recorded(act: Callable[[], Any]) -> Work:
    """The operations of `act`, whether its tensors have values or not."""
    log = _Log()
    with log:
        act()
    return log.work


def deep_work(few: Work, wider: Sequence[Work], missing: Sequence[int]) -> Work:
    """`few` and, for each layer that is missing, what one more of its shape brought."""
    total = Work(few)
    for other, times in zip(wider, missing, strict=True):
        for operation in other.keys() | few.keys():
            total[operation] += times * (other[operation] - few[operation])
    return Work({operation: count for operation, count in total.items() if count})


class _Log(TorchDispatchMode):
    """Counts each operation while active."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.work = Work()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        # Before it runs: some operations change the tensors they are given.
        likes = _frozen(args), _frozen(tuple(sorted(given.items())))
        out = done(func, args, given)
        operation = Operation(
            func, *likes, flops_of(func, args, given, out), _bytes(func, likes, out)
        )
        self.work[operation] += 1
        return out


def _bytes(func: Any, likes: Any, out: Any) -> int:
    if func.is_view:
        return 0
    return sum(like.bytes for like in (*_likes(likes), *_likes(_frozen(out))))


def _frozen(value: Any) -> Any:
    """`value` with tensors described, lists as tuples: it can be looked up."""
    if isinstance(value, Tensor):
        return Like.of(value)
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value


def _likes(value: Any) -> Iterator[Like]:
    if isinstance(value, Like):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _likes(item)


def real(value: Any, make: Callable[[Like], Tensor], device: str) -> Any:
    """Frozen arguments with tensors that hold values again, on `device`."""
    if isinstance(value, Like):
        return make(value)
    if isinstance(value, torch.device):
        return torch.device(device)
    if isinstance(value, tuple):
        # torch takes lists for lists of tensors and for sizes alike.
        return [real(item, make, device) for item in value]
    return value


def shortened(operation: Operation, most_bytes: int) -> Operation:
    """The operation on the first of its lists of tensors alone, as many as `most_bytes` take.

    An optimizer is given all that trains at once; the price of a byte is the same for a few of it.
    """
    lists = [
        value
        for value in operation.args
        if isinstance(value, tuple) and value and all(isinstance(each, Like) for each in value)
    ]
    if not lists or operation.bytes <= most_bytes:
        return operation
    length = len(lists[0])
    taken, kept = 0, 0
    while kept < length and (not kept or taken < most_bytes):
        taken += sum(values[kept].bytes for values in lists if len(values) == length)
        kept += 1
    args = tuple(
        value[:kept] if any(value is each for each in lists) and len(value) == length else value
        for value in operation.args
    )
    share = taken / max(1, sum(each.bytes for values in lists for each in values))
    return replace(operation, args=args, bytes=int(operation.bytes * share))
