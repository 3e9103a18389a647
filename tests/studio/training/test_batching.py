"""Batches: rows laid out as tensors, and which rows a step takes."""

from __future__ import annotations

from itertools import chain

import torch

from studio.objectives import Encoded
from studio.training.batching import IGNORED, Schedule, micro_batches

ROWS = [Encoded([1, 2, 3], [0, 0, 1]), Encoded([4, 5, 6, 7], [0, 1, 0, 1])]


def test_packed_rows_stand_behind_one_another_with_positions_of_their_own() -> None:
    (batch,) = micro_batches(ROWS, 2, packed=True, pad_id=0)

    assert batch.inputs["input_ids"].tolist() == [[1, 2, 3, 4, 5, 6, 7]]
    assert batch.inputs["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2, 3]]
    # Position 1 predicts the 3, position 3 the 5, position 5 the 7; none predicts the next row.
    assert batch.keep.tolist() == [1, 3, 5]
    assert batch.targets.tolist() == [[3, 5, 7]]
    assert (batch.rows, batch.tokens, batch.trained_tokens) == (2, 7, 3)


def test_padded_rows_are_filled_up_and_masked() -> None:
    (batch,) = micro_batches(ROWS, 2, packed=False, pad_id=9)

    assert batch.inputs["input_ids"].tolist() == [[1, 2, 3, 9], [4, 5, 6, 7]]
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch.keep.tolist() == [0, 1, 2]
    assert batch.targets.tolist() == [[IGNORED, 3, IGNORED], [5, IGNORED, 7]]
    assert (batch.rows, batch.tokens, batch.trained_tokens) == (2, 7, 3)


def test_rows_are_cut_into_micro_batches_the_last_may_be_short() -> None:
    batches = list(micro_batches(ROWS * 2, 3, packed=True, pad_id=0))

    assert [batch.rows for batch in batches] == [3, 1]


def test_each_pass_takes_every_row_once_in_an_order_of_its_own() -> None:
    schedule = Schedule.plan(rows=10, rows_per_step=4, epochs=2, max_steps=None, seed=3)
    passes = [[schedule.rows_of(step) for step in range(*span)] for span in ((0, 3), (3, 6))]

    assert schedule.total_steps == 6
    assert [len(rows) for rows in passes[0]] == [4, 4, 2]
    assert all(sorted(chain.from_iterable(rows)) == list(range(10)) for rows in passes)
    assert passes[0] != passes[1]


def test_the_rows_of_a_step_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    schedule = Schedule.plan(10, 4, 2, None, seed=3)
    first = schedule.rows_of(4)
    torch.rand(5)

    assert Schedule.plan(10, 4, 2, None, seed=3).rows_of(4) == first
    assert Schedule.plan(10, 4, 2, None, seed=4).rows_of(4) != first


def test_max_steps_is_the_number_of_steps() -> None:
    schedule = Schedule.plan(10, 4, 2, max_steps=7, seed=0)

    assert schedule.total_steps == 7
    assert [step for step in range(7) if schedule.ends_epoch(step)] == [2, 5, 6]
