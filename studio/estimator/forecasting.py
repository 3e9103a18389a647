"""Forecasting: the time of a spec's run on a device, by whatever is known of that device."""

from __future__ import annotations

import functools
import logging
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from studio.devices import Device
from studio.estimator.anchors import Costs, costs_near
from studio.estimator.deep import DeepModel
from studio.estimator.disk import Disk
from studio.estimator.duration import Beside, Duration, by_rate, measured_here
from studio.estimator.microbatch import RunShape
from studio.estimator.pace import pace
from studio.estimator.passes import passes
from studio.estimator.prices import Prices
from studio.estimator.rate import rate
from studio.estimator.surfaces import CANNOT_BE_SIMULATED
from studio.models.architecture import CONFIG_NAME, from_config
from studio.spec import TrainSpec
from studio.training.loading import Numbers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """A run whose time is asked for: of which spec, model and shape, in which numbers; `numbers_in_all`
    of the base are read, and so much goes to the disk."""

    spec: TrainSpec
    model: DeepModel
    run: RunShape
    numbers: Numbers
    numbers_in_all: int
    disk: Disk

    @property
    def keeps_lower(self) -> bool:
        """Whether what untrained lower layers give is computed once."""
        return self.disk.layer_cache_bytes > 0

    @property
    def key(self) -> Hashable:
        """What changes the cost of a step, but the sizes of its batch."""
        training, objective, source = self.spec.training, self.spec.objective, self.model.source
        file = source / CONFIG_NAME if source.is_dir() else source
        return (
            *(
                source,
                file.stat().st_mtime_ns,
                self.model.plan,
                self.numbers.name,
                self.keeps_lower,
            ),
            *(training.optimizer, training.gradient_accumulation > 1),
            *(objective.name, objective.settings.model_dump_json()),
        )


def forecast(
    asked: Asked, home: Path, device: Device, flops: int, *, may_trace: bool = True
) -> Duration | None:
    """By the prices of operations on this machine; on a GPU, and where those are not known, by its rate.

    `flops` are those of the largest micro-batch. Where nothing may be traced, by what was traced before;
    None where that is nothing, or the number of steps is not known.
    """
    if device.kind == "cpu":
        try:
            return _by_prices(asked, home, may_trace=may_trace)
        except CANNOT_BE_SIMULATED as error:
            logger.info("the time of %s is told by its products: %r", asked.model.source, error)
    shape = from_config(asked.model.config.to_dict(), asked.model.source)
    speed = rate(home, device.kind, asked.numbers.name, (shape.hidden, shape.intermediate))
    return by_rate(flops, asked.run, speed) if speed else None


def _by_prices(asked: Asked, home: Path, *, may_trace: bool) -> Duration | None:
    run, prices = asked.run, Prices(home)
    batch = run.training.typical if run.training else run.largest
    trace = functools.partial(_costs, asked, prices) if may_trace else None
    costs = costs_near((home, asked.key), batch, trace)
    if costs is None:
        return None
    is_quantized = asked.spec.model.quantization != "none"
    beside = Beside(asked.numbers_in_all, is_quantized, asked.disk.checkpoint_bytes, run.passes)
    return measured_here(costs, run, beside, prices, pace(prices))


def _costs(asked: Asked, prices: Prices) -> Costs:
    found = passes(asked.model, asked.spec, asked.run, asked.numbers, keeps_lower=asked.keeps_lower)
    works = (found.micro_step, found.update, found.look, found.score, found.lower)
    return Costs(*map(prices.cost, works))
