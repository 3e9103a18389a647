"""Duration: what each part of a run takes on this machine, and the range that the whole should stay in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from studio.estimator.anchors import Costs
from studio.estimator.microbatch import RunShape
from studio.estimator.pace import Pace
from studio.estimator.prices import Prices, Seconds, least

# A process that imports torch, transformers and peft, reads the rows and makes the model ready: seconds
# of its own, and for each number of the base. Rough; finished runs of this machine correct them.
START_S, START_S_A_NUMBER = 6.0, 2e-8
# To hold a number in few bits takes this much at the start.
QUANTIZE_S_A_NUMBER = 2e-8
# Python's part of a step: which rows it takes, its lines of metrics and log.
STEP = Seconds(0.002, 0.002)
# Where no operation was tried: a step reaches this share of the rate of a bare matrix product.
_SHARE = 0.6
# Looking at a row without training on it: the forward pass, a third of a full step.
_LOOK_SHARE = 1 / 3
# Before any run of this machine was seen, the whole may differ by these factors.
LOW, HIGH = 0.75, 1.35
_ROUGH_LOW, _ROUGH_HIGH = 0.6, 3.0
_CHECKPOINT, _PROBED_BYTES = "a byte of a checkpoint", 16_000_000


@dataclass(frozen=True)
class Duration:
    """Seconds of the whole run by the clock: on a machine with nothing else to do, and the range.

    `cpu_seconds` is the processor's time of all its threads, which other programs hardly change; `parts`
    (they add up to `seconds`) say where the time goes. The range holds the machine's load of now: `busy`
    times as long by the clock.
    """

    seconds: float
    low: float
    high: float
    cpu_seconds: float | None = None
    busy: float = 1.0
    parts: Mapping[str, float] | None = None

    def times(self, factor: float, low: float, high: float) -> Duration:
        """Corrected by `factor`, with the range from `low` to `high` times the corrected figure."""
        seconds = self.seconds * factor
        return replace(
            self,
            seconds=seconds,
            low=seconds * low,
            high=seconds * high * self.busy,
            cpu_seconds=self.cpu_seconds and self.cpu_seconds * factor,
            parts=self.parts and {name: value * factor for name, value in self.parts.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Rounded to whole seconds."""
        return {
            "seconds": float(round(self.seconds)),
            "low": float(round(self.low)),
            "high": float(round(self.high)),
            "cpu_seconds": self.cpu_seconds and float(round(self.cpu_seconds)),
            "busy": round(self.busy, 2),
            "parts": self.parts and {name: round(value, 1) for name, value in self.parts.items()},
        }


@dataclass(frozen=True)
class Beside:
    """What a run does beside its steps: numbers of the base to read (and to hold in few bits), bytes of a
    checkpoint, and how many are written."""

    numbers: int
    is_quantized: bool
    checkpoint_bytes: int
    checkpoints: int


def measured_here(
    costs: Costs, run: RunShape, beside: Beside, prices: Prices, pace: Pace
) -> Duration | None:
    """By the prices of this machine's operations. None where the number of steps is not known."""
    if run.training is None or not run.steps:
        return None

    start = START_S + beside.numbers * START_S_A_NUMBER
    start += beside.numbers * QUANTIZE_S_A_NUMBER if beside.is_quantized else 0.0
    typical, looks = run.training, run.evaluation
    rows_a_batch = max(1, typical.typical.rows)
    found = {
        "start": Seconds(start, start),
        "steps": pace.seconds(costs.micro_step) * typical.times
        + (pace.seconds(costs.update) + STEP) * run.steps,
        "untrained layers": pace.seconds(costs.lower)
        * ((run.rows + run.held_out_rows) / rows_a_batch),
        "held-out rows": pace.seconds(costs.look) * (looks.times if looks else 0.0),
        "reference": pace.seconds(costs.score) * ((run.rows + run.held_out_rows) / rows_a_batch),
        "checkpoints": _checkpoint_price(prices) * (beside.checkpoint_bytes * beside.checkpoints),
    }
    whole = sum(found.values(), start=Seconds())
    parts = {name: value.own for name, value in found.items() if value.own > 0}
    plain = Duration(whole.own, 0.0, 0.0, whole.cpu, _busy(), parts)
    return plain.times(1.0, LOW, HIGH)


def by_rate(flops: int, run: RunShape, operations_per_s: float) -> Duration | None:
    """`flops` are those of the largest micro-batch; a place costs the same in the others, nearly.

    Nearly: attention grows with the square of the length, so short rows are cheaper than this says.
    None where the number of steps is not known.
    """
    if not run.places:
        return None
    places = run.places + run.evaluated_places * _LOOK_SHARE
    seconds = flops / run.largest.places * places / operations_per_s / _SHARE
    return Duration(seconds, seconds * _ROUGH_LOW, seconds * _ROUGH_HIGH)


def _busy() -> float:
    """How many times longer the clock runs than on an idle machine, going by the load of now."""
    if not hasattr(os, "getloadavg"):
        return 1.0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1.0, (os.getloadavg()[0] + torch.get_num_threads()) / (cores or 1))


def _checkpoint_price(prices: Prices) -> Seconds:
    """Of a byte, which is copied, hashed and handed to the disk."""
    known = prices.get(_CHECKPOINT)
    if known is not None:
        return known
    numbers = torch.rand(_PROBED_BYTES // 4)
    taken = []
    for _ in range(3):
        began = Seconds.now()
        held = numbers.clone().numpy().tobytes()
        hashlib.sha256(held).hexdigest()
        taken.append((Seconds.now() - began) * (1 / _PROBED_BYTES))
    prices.keep(_CHECKPOINT, least(taken))
    return least(taken)
