"""The shapes of micro-batches are those that the trainer makes."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from studio.estimator import microbatch
from studio.estimator.microbatch import Cost, micro_batch, run_shape, unknown_run
from studio.objectives import Encoded
from studio.spec import Training, TrainSpec
from studio.training.batching import Batch, micro_batches
from tests.studio.estimator.configurations import make_rows

COST = Cost(place=1.0, kept=1.0)
CHAT = TrainSpec.parse({}).objective


def training(**values: Any) -> Training:
    """The section of a spec."""
    return Training.model_validate(values)


def shapes(batch: Batch) -> dict[str, Any]:
    """Every size of a batch."""
    values = {**{field.name: getattr(batch, field.name) for field in fields(batch)}, **batch.inputs}
    del values["inputs"]
    if batch.mismatched is not None:
        values["mismatched"] = shapes(batch.mismatched)
    return {
        name: (value.shape, value.dtype) if isinstance(value, Tensor) else value
        for name, value in values.items()
    }


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("lengths", [(5,), (40, 31, 25), (40, 40)])
def test_the_shape_is_that_of_the_trainer_s_batch(packed: bool, lengths: tuple[int, ...]) -> None:
    rows = make_rows(*lengths)
    real = next(micro_batches(rows, len(rows), packed=packed, pad_id=0))

    assert shapes(micro_batch(rows, packed=packed).empty_batch()) == shapes(real)


def test_the_largest_micro_batch_is_one_that_the_run_has() -> None:
    rows = make_rows(*range(10, 50))
    options = training(batch_size=4, epochs=2)

    shape = run_shape(rows, [], options, COST, packed=True)

    assert shape.steps == 20
    assert shape.places == 2 * sum(range(10, 50))
    assert 4 * 10 < shape.largest.tokens <= 49 + 48 + 47 + 46


@pytest.mark.parametrize("packed", [True, False])
def test_batches_by_tokens_are_cut_as_the_trainer_cuts_them(packed: bool) -> None:
    rows = make_rows(*range(10, 50))
    options = training(batch_size=8, tokens_per_batch=100, epochs=1)

    shape = run_shape(rows, [], options, COST, packed=packed)

    assert shape.steps == 5
    assert 60 < shape.largest.places <= 100
    assert shape.largest.adds_up
    assert shape.places >= sum(range(10, 50))
    assert not run_shape(rows, [], training(batch_size=1), COST, packed=packed).largest.adds_up


def one_by_one(
    rows: list[Encoded], taken: NDArray[Any], begins: NDArray[Any], *, packed: bool
) -> microbatch.Sizes:
    """As `Sizes.of_rows` has it, of batches that are made."""
    parts = np.split(taken, begins[1:])
    return microbatch.Sizes.of(
        [micro_batch([rows[row] for row in part], packed=packed) for part in parts]
    )


@pytest.mark.parametrize("most", [100_000, 20])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    "values",
    [
        {"batch_size": 4, "epochs": 3},
        {"batch_size": 4, "gradient_accumulation": 3, "epochs": 2},
        {"batch_size": 7, "max_steps": 9},
        {"batch_size": 64, "epochs": 1},
    ],
)
def test_sums_over_thousands_of_rows_are_those_of_one_batch_after_the_other(
    values: dict[str, Any], packed: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microbatch, "_MOST_ROWS", most)
    rows = make_rows(*random.Random(0).choices(range(3, 60), k=50))
    held_out, cost = rows[:9], Cost(3.0, 2.0)
    found = run_shape(rows, held_out, training(**values), cost, packed=packed)
    monkeypatch.setattr(microbatch.Sizes, "of_rows", one_by_one)
    assert found == run_shape(rows, held_out, training(**values), cost, packed=packed)


def test_rows_that_are_added_up_are_cut_into_batches_of_their_own() -> None:
    rows = make_rows(*[10] * 22)
    options = training(batch_size=4, gradient_accumulation=3, epochs=1)

    shape = run_shape(rows, [], options, COST, packed=True)

    assert shape.largest == replace(micro_batch(rows[:4], packed=True), adds_up=True)
    assert shape.training is not None
    # 4, 4 and 4 rows, then 4, 4 and 2: the typical one has 4.
    assert shape.training.times == pytest.approx(5.5)


def test_while_rows_are_unknown_as_many_long_ones_as_the_tokens_hold_are_taken() -> None:
    options = training(batch_size=8, tokens_per_batch=100, max_length=30, max_steps=2)

    shape = unknown_run(options, CHAT, packed=True)

    assert (shape.largest.rows, shape.largest.places, shape.largest.adds_up) == (3, 90, True)
    assert shape.places == 2 * 8 * 30


def test_one_row_at_a_time_the_largest_is_the_longest_row() -> None:
    shape = run_shape(make_rows(12, 80, 30), [], training(batch_size=1), COST, packed=True)

    assert (shape.largest.rows, shape.largest.tokens) == (1, 80)


def test_sums_are_of_one_pass_and_of_what_the_model_can_learn_from() -> None:
    first_token_trained = Encoded([1, 2, 3], [1, 1, 0])

    shape = run_shape([first_token_trained], [], training(), COST, packed=True)

    assert (shape.rows, shape.tokens, shape.trained_tokens) == (1, 3, 1)


def test_held_out_rows_are_looked_at_before_training_and_after_each_pass() -> None:
    shape = run_shape(make_rows(10, 10), make_rows(7), training(epochs=3), COST, packed=True)

    assert shape.evaluated_places == 4 * 7


def test_without_data_every_row_is_full_and_trained() -> None:
    shape = unknown_run(training(batch_size=4, max_length=100), CHAT, packed=True)

    assert (shape.largest.tokens, shape.largest.trained_tokens) == (400, 396)
    assert not shape.is_measured


def test_a_million_tokens_are_no_work_to_describe() -> None:
    shape = unknown_run(training(batch_size=4096, max_length=1_048_576), CHAT, packed=False)

    assert shape.largest.places == 4096 * 1_048_576
