"""The operations of a run's stretches, against those of the real step, and the time that comes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.estimator.anchors import Costs, costs_near
from studio.estimator.duration import Beside, Duration, measured_here
from studio.estimator.estimate import Estimate, Rows, estimate
from studio.estimator.microbatch import Batches, MicroBatch, Sizes, micro_batch
from studio.estimator.pace import Pace
from studio.estimator.prices import Cost, Prices, Seconds
from studio.spec import TrainSpec
from tests.studio.estimator.configurations import make_folder, make_rows
from tests.studio.estimator.test_estimator import MACHINE

ROWS = Rows(make_rows(*range(20, 44)), make_rows(30, 31))


def found(folder: Path, name: str = "llama", **values: Any) -> Estimate:
    """An estimate with its time, of a small model."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    spec = TrainSpec.parse({"training": {"precision": "fp32"}, **values})
    return estimate(spec, make_folder(name, folder / name), ROWS, MACHINE, home=home)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, so that each operation is tried once."""
    return tmp_path_factory.mktemp("times")


@pytest.mark.parametrize(
    ("values", "more"),
    [
        ({}, set()),
        ({"method": "full"}, {"checkpoints"}),
        ({"method": {"name": "lora", "layers": {"last": 1}}}, {"untrained layers"}),
        ({"model": {"quantization": "nf4"}}, set()),
        ({"training": {"precision": "fp32", "gradient_checkpointing": True}}, set()),
    ],
)
@pytest.mark.some(3)
def test_every_part_of_a_run_has_its_time(place: Path, values: Any, more: set[str]) -> None:
    duration = found(place, **values).duration

    assert duration is not None
    assert duration.parts is not None
    assert {"start", "steps", "held-out rows", *more} <= set(duration.parts)
    assert sum(duration.parts.values()) == pytest.approx(duration.seconds)
    assert duration.low < duration.seconds < duration.high


def test_recomputing_and_more_passes_take_longer(place: Path) -> None:
    def steps(**training: Any) -> float:
        duration = found(place, training={"precision": "fp32", **training}).duration
        assert duration is not None
        assert duration.parts is not None
        return duration.parts["steps"]

    plain = steps()

    assert steps(gradient_checkpointing=True) > plain
    assert steps(epochs=6) == pytest.approx(2 * plain, rel=0.1)


def test_without_data_and_steps_there_is_no_time(place: Path) -> None:
    folder = make_folder("llama", place / "bare")

    assert estimate(TrainSpec.parse({}), folder, None, MACHINE, home=place).duration is None


def batch(*lengths: int) -> MicroBatch:
    """Packed rows of these lengths."""
    return micro_batch(make_rows(*lengths), packed=True)


def test_the_typical_batch_stands_for_all_by_their_places() -> None:
    of_all = Batches.of(Sizes.of([batch(10), batch(30), batch(50)]), times=2)

    assert of_all.typical == batch(30)
    assert of_all.times * of_all.typical.places == 2 * (10 + 30 + 50)


def cost(seconds: float) -> Cost:
    """Of one operation."""
    return Cost(Seconds(seconds, seconds), 1)


def test_a_batch_near_one_that_was_traced_costs_in_proportion() -> None:
    costs = Costs(cost(4.0), cost(1.0), cost(2.0), cost(0.0), cost(0.0))
    asked = []

    def trace() -> Costs:
        asked.append(1)
        return costs

    assert costs_near("a training", batch(100), None) is None
    assert costs_near("a training", batch(100), trace) == costs
    near = costs_near("a training", batch(120), trace)
    costs_near("a training", batch(400), trace)

    assert near is not None
    assert near.micro_step.seconds.own == pytest.approx(4.0 * 1.2)
    assert near.update == costs.update
    assert len(asked) == 2


def test_the_sum_is_each_pass_as_often_as_it_is_done(place: Path) -> None:
    run = found(place).run
    costs = Costs(cost(3.0), cost(0.5), cost(1.0), cost(0.0), cost(0.0))
    still = Pace(Seconds(), Seconds(1.0, 1.0))

    duration = measured_here(costs, run, Beside(0, False, 0, 3), Prices(place), still)

    assert duration is not None
    assert duration.parts is not None
    assert run.training is not None
    assert run.evaluation is not None
    assert duration.parts["steps"] == pytest.approx(
        3.0 * run.training.times + 0.5 * run.steps, rel=0.01
    )
    assert duration.parts["held-out rows"] == pytest.approx(run.evaluation.times)


def test_a_busy_machine_makes_only_the_upper_end_later() -> None:
    busy = Duration(100.0, 0.0, 0.0, busy=4.0).times(1.0, 0.8, 1.25)

    assert (busy.seconds, busy.low, busy.high) == (100.0, 80.0, 500.0)
