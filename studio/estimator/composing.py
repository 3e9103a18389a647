"""Composing: a step at full depth from the segments of a step through a few layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from studio.estimator.depth import Depth
from studio.estimator.live import PARTS, Bytes, Moment, Pass, Peak, Segment, Trace


@dataclass(frozen=True)
class Composed:
    """The peak and the operations of a whole step."""

    peak: Peak
    flops: int


@dataclass(frozen=True)
class _Block:
    """Either one segment outside of the layers, or the turns of one pass through a stack, by layer."""

    outside: Segment | None
    turns: tuple[Segment, ...] = ()

    @property
    def pass_(self) -> tuple[str, bool] | None:
        """Of which stack, and whether backwards."""
        turn = self.turns[0].turn if self.turns else None
        return (turn.path, turn.is_backward) if turn else None


class DoesNotAddUp(Exception):
    """The few layers do not tell of the whole model: what they show does not even hold for one more."""


def compose(depth: Depth, sample: Trace, wider: Sequence[Trace]) -> Composed:
    """The step at full depth. Raises DoesNotAddUp where one of `wider` shows that it would be wrong.

    Each layer of the whole does what its stand-in does. What grows with the number of layers outside of
    them (the optimizer's state, a prompt's numbers for each layer) grows by as much for each.
    """
    blocks = _blocks(sample)
    others = [_blocks(trace) for trace in wider]
    shape = [block.pass_ for block in blocks]
    if any([block.pass_ for block in other] != shape for other in others):
        raise DoesNotAddUp
    turns = _by_layer(blocks)
    for trace, other, kept in zip(wider, others, depth.wider, strict=True):
        layers = dict(kept.layers)
        outside = [block.outside for block in other]
        found = _walk(trace.start, blocks, outside, turns, depth.stand_ins, layers)
        if found != walked(trace):
            raise DoesNotAddUp
    grown = [
        None
        if block.outside is None
        else _grown(block.outside, [_outside(other[place]) for other in others], depth.missing)
        for place, block in enumerate(blocks)
    ]
    start = sum_of(sample.start, [trace.start for trace in wider], depth.missing)
    all_layers = {path: range(len(numbers)) for path, numbers in depth.stand_ins.items()}
    return _walk(start, blocks, grown, turns, depth.stand_ins, all_layers)


def _outside(block: _Block) -> Segment:
    assert block.outside is not None
    return block.outside


def _blocks(trace: Trace) -> list[_Block]:
    """The segments, those of one pass through a stack together, what lies between two turns with the
    earlier one."""
    blocks: list[_Block] = []
    segments = list(trace.segments)
    place = 0
    while place < len(segments):
        if segments[place].turn is None:
            blocks.append(_Block(segments[place]))
            place += 1
            continue
        turns = [segments[place]]
        place += 1
        while place < len(segments):
            gap = place
            while gap < len(segments) and segments[gap].turn is None:
                gap += 1
            if gap == len(segments) or not _follows(turns[-1].turn, segments[gap].turn):
                break
            for between in segments[place:gap]:
                turns[-1] = _joined(turns[-1], between)
            turns.append(segments[gap])
            place = gap + 1
        blocks.append(_Block(None, tuple(turns)))
    return blocks


def _follows(earlier: Pass | None, later: Pass | None) -> bool:
    if earlier is None or later is None or earlier.path != later.path:
        return False
    if earlier.is_backward != later.is_backward:
        return False
    step = later.layer - earlier.layer
    return step < 0 if later.is_backward else step > 0


def _joined(first: Segment, second: Segment) -> Segment:
    above = _plus(first.net, second.top)
    is_higher = sum(above) > sum(first.top)
    return Segment(
        first.turn,
        net=_plus(first.net, second.net),
        top=above if is_higher else first.top,
        moment=second.moment if is_higher else first.moment,
        flops=first.flops + second.flops,
    )


def _by_layer(blocks: Sequence[_Block]) -> list[dict[int, Segment]]:
    """Of each block its turns by their layer's number."""
    return [
        {turn.turn.layer: turn for turn in block.turns if turn.turn is not None} for block in blocks
    ]


def _grown(segment: Segment, others: Sequence[Segment], missing: Sequence[int]) -> Segment:
    flops = segment.flops + sum(
        times * (other.flops - segment.flops) for other, times in zip(others, missing, strict=True)
    )
    return Segment(
        None,
        net=sum_of(segment.net, [other.net for other in others], missing),
        top=sum_of(segment.top, [other.top for other in others], missing),
        moment=segment.moment,
        flops=flops,
    )


def sum_of(base: Bytes, others: Sequence[Bytes], missing: Sequence[int]) -> Bytes:
    """`base` and, for each layer that is missing, what one more of its shape brought."""
    total = base
    for other, times in zip(others, missing, strict=True):
        total = tuple(t + times * (o - b) for t, o, b in zip(total, other, base, strict=True))
    return total


def _walk(
    start: Bytes,
    blocks: Sequence[_Block],
    outside: Sequence[Segment | None],
    turns: Sequence[Mapping[int, Segment]],
    stand_ins: Mapping[str, Sequence[int]],
    layers: Mapping[str, Sequence[int]],
) -> Composed:
    def in_order() -> Iterator[Segment]:
        for block, around, by_layer in zip(blocks, outside, turns, strict=True):
            if around is not None:
                yield around
                continue
            path, is_backward = block.pass_ or ("", False)
            numbers = layers[path]
            for number in reversed(numbers) if is_backward else numbers:
                turn = by_layer.get(stand_ins[path][number])
                if turn is not None:
                    yield turn

    return _highest(start, in_order())


def walked(trace: Trace) -> Composed:
    """A step by its own segments."""
    return _highest(trace.start, iter(trace.segments))


def _highest(start: Bytes, segments: Iterator[Segment]) -> Composed:
    held, flops = start, 0
    best, total, moment = start, sum(start), "forward"
    for segment in segments:
        above = _plus(held, segment.top)
        if sum(above) > total:
            best, total, moment = above, sum(above), segment.moment
        held = _plus(held, segment.net)
        flops += segment.flops
    found: Moment = moment  # type: ignore[assignment]
    return Composed(Peak(total, found, dict(zip(PARTS, best, strict=True))), flops)


def _plus(one: Bytes, other: Bytes) -> Bytes:
    return tuple(a + b for a, b in zip(one, other, strict=True))
