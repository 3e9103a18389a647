"""Losses: each against its formula."""

import math

import torch

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training.batching import micro_batches
from studio.training.losses import loss_of


def test_chat_sums_over_the_answers_tokens() -> None:
    (batch,) = micro_batches([Encoded([1, 2, 3], [0, 1, 1])], 1, packed=True, pad_id=0)

    # Even odds over 4 tokens: ln 4 a token, two tokens.
    total = loss_of(TrainSpec.parse({}).objective)(torch.zeros(1, 2, 4), batch)
    assert math.isclose(float(total), 2 * math.log(4), rel_tol=1e-6)
