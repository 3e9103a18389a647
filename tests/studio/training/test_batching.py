"""Batches: rows laid out as tensors, and which rows a step takes."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch

from studio.objectives import Encoded
from studio.training.batching import (
    IGNORED,
    Schedule,
    by_length,
    groups,
    micro_batches,
    places,
)

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


def test_fewer_rows_than_a_batch_are_a_step_of_all_of_them() -> None:
    schedule = Schedule.plan(rows=3, rows_per_step=8, epochs=2, max_steps=None, seed=0)

    assert schedule.total_steps == 2
    assert sorted(schedule.rows_of(0)) == sorted(schedule.rows_of(1)) == [0, 1, 2]


def test_pairs_stand_with_the_wanted_answers_first_and_unwanted_marks_below_zero() -> None:
    rows = [
        Encoded(
            [1, 2, 3],
            [0, 1, 1],
            rejected=Encoded([1, 4], [0, 1]),
            reference=(-1.0, -2.0),
            is_good=good,
            weight=2.0,
        )
        for good in (True, False)
    ]

    (batch,) = micro_batches(rows, 2, packed=True, pad_id=0, layout="sequences")

    assert batch.inputs["input_ids"].tolist() == [[1, 2, 3, 1, 2, 3, 1, 4, 1, 4]]
    assert batch.sequences is not None
    assert batch.sequences.tolist() == [[0, 0, 1, 1, 2, 3]]
    assert batch.reference is not None
    assert batch.reference.tolist() == [-1.0, -1.0, -2.0, -2.0]
    assert batch.weights is not None
    assert batch.weights.tolist() == [2.0, -2.0]
    assert batch.units == 2


def lengths(rows: list[int], most_rows: int, most_tokens: int | None, packed: bool) -> list[Any]:
    """The lengths of rows, cut into groups."""
    given = [Encoded([1] * length, [1] * length) for length in rows]
    found = groups(given, most_rows, most_tokens, packed=packed)
    return [[len(row.ids) for row in group] for group in found]


def test_groups_stay_within_their_tokens_padding_included() -> None:
    rows = [5, 3, 2, 9, 1, 1, 1, 30, 4]

    assert lengths(rows, 9, 10, packed=True) == [[5, 3, 2], [9, 1], [1, 1], [30], [4]]
    assert lengths(rows, 9, 10, packed=False) == [[5, 3], [2], [9], [1, 1, 1], [30], [4]]
    assert lengths(rows, 2, 10, packed=True) == [[5, 3], [2], [9, 1], [1, 1], [30], [4]]
    assert lengths(rows, 4, None, packed=True) == [rows[:4], rows[4:8], rows[8:]]


def test_places_count_every_line_of_a_row() -> None:
    pair = Encoded([1] * 3, [1] * 3, rejected=Encoded([1] * 5, [1] * 5))
    written = Encoded([1] * 3, [0] * 3, target=(1, 2))

    assert places([pair], packed=True, layout="sequences") == 8
    assert places([pair], packed=False, layout="sequences") == 10
    assert places([written, written], packed=False, layout="decoder") == 2 * (3 + 2)


def test_by_length_puts_the_longest_first_and_leaves_the_rest_in_order() -> None:
    rows = [Encoded([n] * length, [1] * length) for n, length in enumerate((2, 5, 2, 7))]

    assert [row.ids[0] for row in by_length(rows)] == [3, 1, 0, 2]
