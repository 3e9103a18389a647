"""Deep models: the figures of a whole model, told by a few of its layers wherever those are enough."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.estimator.blueprint import Blueprint, Plan, blueprint, depth, stamp_of, whole
from studio.estimator.composing import DoesNotAddUp, compose, sum_of
from studio.estimator.depth import Depth, columns_of, configurations
from studio.estimator.files import Written, written
from studio.estimator.live import History
from studio.estimator.memory import StepCost, history, simulate, trace
from studio.estimator.microbatch import MicroBatch
from studio.estimator.regimes import Ground, regime_of, windows_of
from studio.estimator.surfaces import CANNOT_BE_SIMULATED, SURFACES
from studio.spec import TrainSpec
from studio.training.adapters import Counts, count, trainable
from studio.training.head import block_rows
from studio.training.loading import Numbers
from studio.training.survey import layer_of

logger = logging.getLogger(__name__)

# Of how many trainings it is remembered what they write.
_KEPT = 32
_WRITTEN: OrderedDict[Hashable, Written] = OrderedDict()
# Layers of a model that is simulated whole as quickly as a few of a deep one.
_SMALL = 16


class NotSoon(Exception):
    """It takes longer than somebody who moves a slider waits."""


def _require(may_simulate: bool) -> None:
    if not may_simulate:
        raise NotSoon


@dataclass(frozen=True)
class DeepModel:
    """The model of `source` by `plan`. `depth` is None where only the whole model tells of itself."""

    source: Path
    plan: Plan
    depth: Depth | None

    @classmethod
    def of(cls, source: Path, plan: Plan) -> DeepModel:
        """Raises ModelProblem or AskedWrongly where the model or the method cannot be built."""
        return _looked_at(source, stamp_of(source), plan)

    @classmethod
    def _looked_at(cls, source: Path, plan: Plan) -> DeepModel:
        model = cls(source, plan, depth(source, plan))
        if model.depth is None:
            return model
        try:
            return model if model._few_agree() else cls(source, plan, None)
        except (StudioError, *CANNOT_BE_SIMULATED) as error:
            # A method may want to see all layers; where it cannot be used at all, the whole says so.
            logger.info("%s is built whole: %s", source, error)
            return cls(source, plan, None)

    @property
    def config(self) -> Any:
        """transformers' configuration of the whole model."""
        return whole(self.source, self.plan).config

    @property
    def blueprint(self) -> Blueprint:
        """The model, or the few layers of it that tell of the rest."""
        return blueprint(self.source, self.plan, self.depth.sample if self.depth else None)

    @property
    def skips_layers(self) -> bool:
        """Whether the lowest trained layer has others below it, which give the same in every epoch."""
        return _skips_layers(self.source, stamp_of(self.source), self.plan)

    def _skips(self) -> bool:
        numbers = {layer_of(name) for name, _ in trainable(self.blueprint.model)}
        return None not in numbers and min((n for n in numbers if n is not None), default=0) > 0

    def whole_blueprint(self) -> Blueprint:
        """The model at full depth."""
        return blueprint(self.source, self.plan)

    def counts(self) -> Counts:
        """Exact parameter counts."""
        return _counted(self.source, stamp_of(self.source), self.plan)

    def base_numbers(self) -> int:
        """How many numbers the base has, without what the method adds."""
        return count(whole(self.source, self.plan)).total

    def written(self, spec: TrainSpec) -> Written:
        """What a run of `spec` writes. Raises one of CANNOT_BE_SIMULATED."""
        training = spec.training
        rules = (training.optimizer, training.learning_rate, training.weight_decay)
        key = (self.source, stamp_of(self.source), self.plan, rules)
        if key not in _WRITTEN:
            _WRITTEN[key] = self._written(spec)
            while len(_WRITTEN) > _KEPT:
                _WRITTEN.popitem(last=False)
        return _WRITTEN[key]

    def _written(self, spec: TrainSpec) -> Written:
        if self.depth is None:
            return written(self.whole_blueprint(), spec)
        few, *others = (
            astuple(written(blueprint(self.source, self.plan, sample), spec))
            for sample in (self.depth.sample, *self.depth.wider)
        )
        return Written(*sum_of(few, others, self.depth.missing))

    def _counts(self) -> Counts:
        if self.depth is None:
            return count(self.whole_blueprint().model)
        few, *others = self._counted(self.depth)
        return Counts(*sum_of(few, others, self.depth.missing))

    def step_cost(
        self, spec: TrainSpec, batch: MicroBatch, numbers: Numbers, *, may_simulate: bool = True
    ) -> StepCost:
        """What a step takes, told by a surface, else simulated. Raises one of CANNOT_BE_SIMULATED.

        Raises NotSoon where it would have to be simulated and that may not be.
        """
        stamp = stamp_of(self.source)
        regime = regime_of(batch, _ground(self.source, stamp, self.plan))
        if regime is None:
            _require(may_simulate)
            return self._simulated(spec, batch, numbers)
        key = (self.source, stamp, self.plan, numbers.name, _of_step(spec), regime)
        surface = SURFACES.find(key)
        if surface is not None:
            with contextlib.suppress(DoesNotAddUp):
                composed = surface.at(regime.values(batch))
                return StepCost(composed.peak, composed.flops)
        _require(may_simulate)
        found = self._simulated(spec, batch, numbers)
        if self.depth is not None or self._is_small:
            SURFACES.wish(
                key, regime, self.depth, lambda sample: self._histories(spec, sample, numbers)
            )
        return found

    @property
    def _is_small(self) -> bool:
        """Whether simulating it whole takes hardly longer than a few layers of it."""
        layers = [len(each) for each in columns_of(whole(self.source, self.plan)).values()]
        return sum(layers) <= _SMALL

    def _histories(self, spec: TrainSpec, batch: MicroBatch, numbers: Numbers) -> Sequence[History]:
        found = self.depth
        if found is None:
            return [history(self.whole_blueprint(), spec, batch, numbers, ())]
        paths = [path for path, _ in found.sample.layers]
        return [
            history(blueprint(self.source, self.plan, sample), spec, batch, numbers, paths)
            for sample in (found.sample, *found.wider)
        ]

    def _simulated(self, spec: TrainSpec, batch: MicroBatch, numbers: Numbers) -> StepCost:
        if self.depth is not None:
            try:
                return self._composed(self.depth, spec, batch, numbers)
            except (DoesNotAddUp, *CANNOT_BE_SIMULATED) as error:
                logger.info("%s is simulated whole: %r", self.source, error)
        return simulate(self.whole_blueprint(), spec, batch, numbers)

    def _composed(
        self, found: Depth, spec: TrainSpec, batch: MicroBatch, numbers: Numbers
    ) -> StepCost:
        paths = [path for path, _ in found.sample.layers]
        few, *others = (
            trace(blueprint(self.source, self.plan, sample), spec, batch, numbers, paths)
            for sample in (found.sample, *found.wider)
        )
        composed = compose(found, few, others)
        return StepCost(composed.peak, composed.flops)

    def _counted(self, found: Depth) -> list[tuple[int, int]]:
        models = [
            blueprint(self.source, self.plan, sample).model
            for sample in (found.sample, *found.wider)
        ]
        return [(each.trainable, each.total) for each in map(count, models)]

    def _few_agree(self) -> bool:
        """Whether what the few say of the base is what the whole base has."""
        assert self.depth is not None
        few, *others = (
            self._of_base(blueprint(self.source, self.plan, sample))
            for sample in (self.depth.sample, *self.depth.wider)
        )
        (told,) = sum_of((few,), [(other,) for other in others], self.depth.missing)
        return told == self.base_numbers()

    @staticmethod
    def _of_base(built: Blueprint) -> int:
        """Parameters but those that the method added."""
        named = built.model.named_parameters()
        return count(built.model).total - sum(p.numel() for n, p in named if n in built.added)


@functools.lru_cache(maxsize=32)
def _looked_at(source: Path, stamp: int, plan: Plan) -> DeepModel:
    return DeepModel._looked_at(source, plan)


@functools.lru_cache(maxsize=32)
def _counted(source: Path, stamp: int, plan: Plan) -> Counts:
    return DeepModel.of(source, plan)._counts()


@functools.lru_cache(maxsize=32)
def _skips_layers(source: Path, stamp: int, plan: Plan) -> bool:
    return DeepModel.of(source, plan)._skips()


@functools.lru_cache(maxsize=32)
def _ground(source: Path, stamp: int, plan: Plan) -> Ground:
    base: Any = whole(source, plan)
    layer = base.get_output_embeddings()
    width = len(layer.weight) if hasattr(layer, "weight") else 1
    return Ground(block_rows(width, "meta"), windows_of(configurations(base)))


def _of_step(spec: TrainSpec) -> Hashable:
    """What of a spec changes a step beside the plan and the batch."""
    training = spec.training
    return (
        *(training.optimizer, training.weight_decay, training.max_grad_norm),
        *(spec.objective.name, spec.objective.settings.model_dump_json()),
        training.gradient_accumulation > 1,
    )
