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
