"""Anchors: what a training's passes cost at batches that were traced, told for batches near them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from studio.estimator.microbatch import MicroBatch
from studio.estimator.prices import Cost

# Between an anchor and a batch so many times its size, what does not grow with the places is told wrongly.
_NEAR = 1.5
_KEPT = 32


@dataclass(frozen=True)
class Costs:
    """Of one of each: a micro-batch trained on, a step's update, a batch of held-out rows, one scored by
    the reference, the untrained layers for the rows of one."""

    micro_step: Cost
    update: Cost
    look: Cost
    score: Cost
    lower: Cost

    def scaled(self, times: float) -> Costs:
        """For batches of so many times the size; an update is the same for all."""
        micro_step, look, score, lower = (
            Cost(each.seconds * times, each.operations)
            for each in (self.micro_step, self.look, self.score, self.lower)
        )
        return Costs(micro_step, self.update, look, score, lower)


_ANCHORS: OrderedDict[Hashable, dict[int, Costs]] = OrderedDict()


def costs_near(key: Hashable, batch: MicroBatch, trace: Callable[[], Costs] | None) -> Costs | None:
    """By the nearest batch of the same training (`key`) that was traced, else by `trace`; without it, by
    whatever anchor there is, or None."""
    anchors = _ANCHORS.setdefault(key, {})
    _ANCHORS.move_to_end(key)
    while len(_ANCHORS) > _KEPT:
        _ANCHORS.popitem(last=False)
    places = max(1, batch.places)
    nearest = min(anchors, key=lambda each: max(each / places, places / each), default=None)
    is_near = nearest is not None and 1 / _NEAR < nearest / places < _NEAR
    if trace is not None and not is_near:
        anchors[places] = trace()
        nearest = places
    return None if nearest is None else anchors[nearest].scaled(places / nearest)
