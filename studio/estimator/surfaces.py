"""Surfaces: what a step takes by the sizes of its batch, found out while nobody waits, exact or not there.

A surface is made of a step simulated through a few small batches. It answers for every batch of the same
regime within a millisecond, with the very figure that a simulation would give.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from studio.errors import StudioError
from studio.estimator.composing import Composed, compose, walked
from studio.estimator.depth import Depth
from studio.estimator.forms import Form, NoForm, form
from studio.estimator.live import History
from studio.estimator.microbatch import MicroBatch
from studio.estimator.regimes import Regime

logger = logging.getLogger(__name__)

# One for each regime of each training that a person compares.
_KEPT, _WISHES = 64, 4
# The step through one batch: of the few layers that tell of all, then of those with one more.
Histories = Callable[[MicroBatch], Sequence[History]]


@dataclass(frozen=True, eq=False)
class Surface:
    """A step's forms: of the few layers that stand for all (or of the whole model, without a `depth`)."""

    depth: Depth | None
    forms: tuple[Form, ...]

    def at(self, values: Sequence[int]) -> Composed:
        """The step through the batch with these numbers. Raises DoesNotAddUp as `compose` does."""
        few, *wider = (each.at(values) for each in self.forms)
        return compose(self.depth, few, wider) if self.depth else walked(few)


@dataclass(eq=False)
class _Wish:
    """A surface that is not there yet; what was simulated for it stays when it is interrupted."""

    regime: Regime
    depth: Depth | None
    histories: Histories
    samples: list[MicroBatch]
    done: list[Sequence[History]] = field(default_factory=list)

    def advance(self) -> Surface | None:
        """Simulate one batch more; the surface once that was the last. Raises NoForm."""
        if len(self.done) < len(self.samples):
            self.done.append(self.histories(self.samples[len(self.done)]))
        if len(self.done) < len(self.samples):
            return None
        values = [self.regime.values(batch) for batch in self.samples]
        forms = tuple(form(each, values) for each in zip(*self.done, strict=True))
        return Surface(self.depth, forms)


class Surfaces:
    """Those of one process: found by what they are of, made by `work` when there is time for it."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, Surface | None] = OrderedDict()
        self._wishes: OrderedDict[Hashable, _Wish] = OrderedDict()

    def find(self, key: Hashable) -> Surface | None:
        """The surface, if it is there."""
        found = self._found.get(key)
        if found is not None:
            self._found.move_to_end(key)
        return found

    def wish(
        self, key: Hashable, regime: Regime, depth: Depth | None, histories: Histories
    ) -> None:
        """It was asked for: to be made, before all that was wished for earlier."""
        if key in self._found:
            return
        if key not in self._wishes:
            samples = regime.samples()
            if not samples:
                self._keep(key, None)
                return
            self._wishes[key] = _Wish(regime, depth, histories, samples)
        self._wishes.move_to_end(key)
        while len(self._wishes) > _WISHES:
            self._wishes.popitem(last=False)

    @property
    def has_work(self) -> bool:
        """Whether a surface is wished for."""
        return bool(self._wishes)

    def work(self) -> None:
        """A step towards the surface that was wished for last. Raises NotWanted where that is cut short."""
        key, wish = next(reversed(self._wishes.items()))
        try:
            surface = wish.advance()
        except (NoForm, StudioError, *CANNOT_BE_SIMULATED) as error:
            logger.info("no surface: %r", error)
            self._keep(key, None)
            return
        if surface is not None:
            self._keep(key, surface)

    def _keep(self, key: Hashable, surface: Surface | None) -> None:
        self._wishes.pop(key, None)
        self._found[key] = surface
        while len(self._found) > _KEPT:
            self._found.popitem(last=False)


# What libraries raise where a step cannot be run without values.
CANNOT_BE_SIMULATED = (
    *(RuntimeError, NotImplementedError, TypeError, ValueError),
    *(KeyError, IndexError, AttributeError, AssertionError),
)
SURFACES = Surfaces()
