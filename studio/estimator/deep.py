"""Deep models: the figures of a whole model, told by a few of its layers wherever those are enough."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.estimator.blueprint import Blueprint, Plan, blueprint, depth, whole
from studio.estimator.composing import DoesNotAddUp, compose, sum_of
from studio.estimator.depth import Depth
from studio.estimator.memory import StepCost, simulate, trace
from studio.estimator.microbatch import MicroBatch
from studio.spec import TrainSpec
from studio.training.adapters import Counts, count, trainable
from studio.training.loading import Numbers
from studio.training.survey import layer_of

logger = logging.getLogger(__name__)

# What libraries raise where a step cannot be run without values.
CANNOT_BE_SIMULATED = (
    *(RuntimeError, NotImplementedError, TypeError, ValueError),
    *(KeyError, IndexError, AttributeError, AssertionError),
)


@dataclass(frozen=True)
class DeepModel:
    """The model of `source` by `plan`. `depth` is None where only the whole model tells of itself."""

    source: Path
    plan: Plan
    depth: Depth | None

    @classmethod
    def of(cls, source: Path, plan: Plan) -> DeepModel:
        """Raises ModelProblem or AskedWrongly where the model or the method cannot be built."""
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
        numbers = {layer_of(name) for name, _ in trainable(self.blueprint.model)}
        return None not in numbers and min((n for n in numbers if n is not None), default=0) > 0

    def whole_blueprint(self) -> Blueprint:
        """The model at full depth."""
        return blueprint(self.source, self.plan)

    def counts(self) -> Counts:
        """Exact parameter counts."""
        if self.depth is None:
            return count(self.whole_blueprint().model)
        few, *others = self._counted(self.depth)
        return Counts(*sum_of(few, others, self.depth.missing))

    def step_cost(self, spec: TrainSpec, batch: MicroBatch, numbers: Numbers) -> StepCost:
        """What a step takes, simulated. Raises one of CANNOT_BE_SIMULATED."""
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
        return told == count(whole(self.source, self.plan)).total

    @staticmethod
    def _of_base(built: Blueprint) -> int:
        """Parameters but those that the method added."""
        named = built.model.named_parameters()
        return count(built.model).total - sum(p.numel() for n, p in named if n in built.added)
