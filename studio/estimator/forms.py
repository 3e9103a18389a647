"""Forms: a step's trace whose every size is a sum of a batch's numbers, each with a fixed factor.

Through batches of one regime a step does the same operations, so what it holds at any moment is such a
sum; which moment is the highest depends on the batch, and is looked for among all that can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.estimator.live import PARTS, Bytes, History, Moment, Pass, Segment, Trace

Factors = NDArray[np.float64]

# Factors are whole numbers of bytes, or halves and quarters of one where heads share.
_STEPS = 16


class NoForm(Exception):
    """The steps differ in more than sizes, or their sizes in more than factors."""


@dataclass(frozen=True, eq=False)
class _SegmentForm:
    """A segment: `net (P, V)` what it leaves behind by part; `tops (C, K, P, V)` what it may hold at its
    highest, each the least of K sums, at `moments`; `flops (V,)`."""

    turn: Pass | None
    net: Factors
    tops: Factors
    totals: Factors
    moments: tuple[Moment, ...]
    flops: Factors

    def at(self, values: Factors) -> Segment:
        totals = self.totals @ values
        place = int(np.argmax(totals.min(axis=1)))
        return Segment(
            self.turn,
            net=_bytes(self.net @ values),
            top=_bytes(self.tops[place, int(np.argmin(totals[place]))] @ values),
            moment=self.moments[place],
            flops=round(float(self.flops @ values)),
        )


@dataclass(frozen=True, eq=False)
class Form:
    """A trace of every batch of a regime."""

    start: Factors
    segments: tuple[_SegmentForm, ...]

    def at(self, values: Sequence[int]) -> Trace:
        """The trace of the batch that has these numbers."""
        numbers = np.asarray(values, dtype=np.float64)
        segments = tuple(segment.at(numbers) for segment in self.segments)
        return Trace(_bytes(self.start @ numbers), segments)


def form(histories: Sequence[History], values: Sequence[Sequence[int]]) -> Form:
    """The form of steps through batches of one regime, by their numbers.

    There must be more steps than numbers: those that are not needed to find the factors are foretold by
    them, to the byte. Raises NoForm where they are not.
    """
    first = histories[0]
    if any(history.kinds != first.kinds for history in histories):
        raise NoForm("they do different operations")
    numbers = np.asarray(values, dtype=np.float64)
    start = _factors(numbers, np.asarray([history.start for history in histories]))
    sizes = _factors(numbers, np.asarray([history.sizes for history in histories]))
    return Form(start, tuple(_segments(first.kinds, sizes)))


def _factors(numbers: Factors, sizes: Factors) -> Factors:
    """`(E, V)` with `numbers (N, V) @ factors.T = sizes (N, E)`, exactly."""
    if len(numbers) <= numbers.shape[1]:
        raise NoForm("there are too few steps")
    scale = numbers.max(axis=0)
    found, _, rank, _ = np.linalg.lstsq(numbers / scale, sizes.astype(np.float64), rcond=None)
    if rank < numbers.shape[1]:
        raise NoForm("the steps are too much alike")
    factors: Factors = np.rint(found.T / scale * _STEPS) / _STEPS
    if not np.array_equal(np.rint(numbers @ factors.T), sizes):
        raise NoForm("their sizes are no sums of the batch's numbers")
    return factors


def _segments(kinds: Sequence[tuple[object, ...]], sizes: Factors) -> list[_SegmentForm]:
    places = {part: place for place, part in enumerate(PARTS)}
    width = sizes.shape[1]
    held: Factors = np.zeros((len(PARTS), width))
    segments: list[_SegmentForm] = []
    turn: Pass | None = None
    tops, sums = [[held.copy()]], list[Factors]()
    moments: list[Moment] = ["forward"]
    for kind, size in zip(kinds, sizes, strict=True):
        what = kind[0]
        if what == "+":
            held[places[kind[1]]] += size  # type: ignore[index]
        elif what == "-":
            held[places[kind[1]]] -= size  # type: ignore[index]
        elif what == "=":
            held[places[kind[1]]] -= size  # type: ignore[index]
            held[places[kind[2]]] += size  # type: ignore[index]
        elif what == "or":
            sums.append(size)
        elif what == "?":
            tops.append([held.copy() for _ in range(len(sums) + 1)])
            for top, passing in zip(tops[-1], [*sums, size], strict=True):
                top[places["activations"]] += passing
            moments.append(kind[1])  # type: ignore[arg-type]
            sums = []
        else:
            segments.append(_segment(turn, held, tops, moments, size))
            turn, held = kind[1], np.zeros((len(PARTS), width))  # type: ignore[assignment]
            tops, moments = [[held.copy()]], [kind[2]]  # type: ignore[list-item]
    return segments


def _segment(
    turn: Pass | None,
    net: Factors,
    tops: Sequence[Sequence[Factors]],
    moments: Sequence[Moment],
    flops: Factors,
) -> _SegmentForm:
    most = max(map(len, tops))
    stacked = np.asarray([[*each, *[each[-1]] * (most - len(each))] for each in tops])
    kept = _may_be_highest(stacked.sum(axis=2))
    return _SegmentForm(
        turn,
        net.copy(),
        stacked[kept],
        stacked[kept].sum(axis=2),
        tuple(moments[place] for place in kept),
        flops,
    )


def _may_be_highest(totals: Factors) -> list[int]:
    """Places of least sums `(C, K, V)` that no other one is at least as large as for all numbers."""
    kept: list[int] = []
    for place, total in enumerate(totals):
        others = totals[kept]
        if len(kept) and bool(_are_at_least(others, total[None]).any()):
            continue
        below = _are_at_least(total[None], others) if len(kept) else np.zeros(0, dtype=bool)
        kept = [k for k, is_below in zip(kept, below, strict=True) if not is_below]
        kept.append(place)
    return kept


def _are_at_least(high: Factors, low: Factors) -> NDArray[np.bool_]:
    """Whether the least of the sums `high (C, K, V)` is never below that of `low (C, K, V)`: each of the one
    is at least as large as some of the other in every number."""
    pairs = np.all(high[:, :, None] >= low[:, None], axis=3)
    return pairs.any(axis=2).all(axis=1)  # type: ignore[no-any-return]


def _bytes(values: Factors) -> Bytes:
    return tuple(round(float(value)) for value in values)
