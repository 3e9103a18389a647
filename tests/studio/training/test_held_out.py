"""Held-out figures: what a person is told about rows that were never trained on."""

import math

import pytest
import torch

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training.batching import micro_batches
from studio.training.held_out import measure_of


@pytest.mark.parametrize("packed", [True, False])
def test_of_three_tokens_two_are_guessed_right(packed: bool) -> None:
    rows = [Encoded([1, 2, 3], [0, 1, 1]), Encoded([1, 0], [0, 1])]
    (batch,) = micro_batches(rows, 2, packed=packed, pad_id=0)
    measure = measure_of(TrainSpec.parse({}).objective)
    logits = torch.nn.functional.one_hot(batch.targets.clamp(min=0), 4).float()
    logits[0, 0] = torch.tensor([0.0, 9.0, 0.0, 0.0])  # a wrong guess

    figures = measure.figures(measure.count(logits, batch), batch.units, math.log(5))

    assert figures["token_accuracy"] == pytest.approx(2 / 3)
    assert figures["perplexity"] == pytest.approx(5)


def test_a_confusion_matrix_is_counted_and_rare_labels_count_as_much_in_f1() -> None:
    rows = [Encoded([1], [0], target=(label,)) for label in (0, 0, 0, 1)]
    (batch,) = micro_batches(rows, 4, packed=False, pad_id=0, layout="classes")
    settings = {"name": "classification", "labels": ["often", "rare"]}
    measure = measure_of(TrainSpec.parse({"objective": settings}).objective)
    guesses = torch.nn.functional.one_hot(torch.tensor([0, 0, 1, 1]), 2).float()

    figures = measure.figures(measure.count(guesses, batch), batch.units, 0.5)

    assert figures["accuracy"] == 0.75
    assert figures["confusion"] == {"labels": ["often", "rare"], "rows": [[2, 1], [0, 1]]}
    # F1 of "often" is 2*2/(2*2+0+1), of "rare" 2*1/(2*1+1+0).
    assert figures["f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_with_several_labels_a_row_is_right_only_when_all_are() -> None:
    rows = [Encoded([1], [0], target=(1, 0)), Encoded([1], [0], target=(1, 1))]
    (batch,) = micro_batches(rows, 2, packed=False, pad_id=0, layout="classes")
    settings = {"name": "classification", "labels": ["a", "b"], "several": True}
    measure = measure_of(TrainSpec.parse({"objective": settings}).objective)

    figures = measure.figures(
        measure.count(torch.tensor([[2.0, -1.0], [1.0, -3.0]]), batch), batch.units, 0.5
    )

    assert figures["accuracy"] == 0.5
    assert figures["f1"] == pytest.approx((1 + 0) / 2)


def test_of_two_pairs_one_leans_the_right_way() -> None:
    rows = [
        Encoded([1, 2], [0, 1], rejected=Encoded([1, 3], [0, 1]), reference=(-1.0, -1.0))
        for _ in range(2)
    ]
    (batch,) = micro_batches(rows, 2, packed=False, pad_id=0, layout="sequences")
    logits = torch.zeros(4, 1, 5)
    logits[0, 0, 2] = logits[3, 0, 3] = 3.0  # the first pair's wanted answer, the second's unwanted
    measure = measure_of(TrainSpec.parse({"objective": "preference"}).objective)

    figures = measure.figures(measure.count(logits, batch), batch.units, 0.5)

    assert figures["preference_accuracy"] == 0.5
    assert figures["preference_margin"] == pytest.approx(0, abs=1e-6)
