"""Losses: sums over trained tokens."""

import math

import torch

from studio.training.losses.chat import IGNORED, chat


def test_chat_sums_the_cross_entropy_of_trained_tokens_only() -> None:
    logits = torch.zeros(1, 3, 4)
    targets = torch.tensor([[2, IGNORED, 1]])

    # Even odds over 4 tokens: ln 4 a token, two tokens.
    assert math.isclose(float(chat(logits, targets)), 2 * math.log(4), rel_tol=1e-6)
