"""Likelihoods: sums over trained tokens, of a batch or of each answer."""

import math

import torch

from studio.objectives import Encoded
from studio.training.batching import IGNORED, micro_batches
from studio.training.likelihood import cross_entropy_sum, lengths, log_probabilities

PAIRS = [
    Encoded([1, 2, 3], [0, 0, 1], rejected=Encoded([1, 2, 3, 4, 5], [0, 0, 1, 1, 1])),
    Encoded([1, 2, 3, 4], [0, 0, 1, 1], rejected=Encoded([1, 2, 6], [0, 0, 1])),
]


def test_the_cross_entropy_sums_trained_tokens_only() -> None:
    logits = torch.zeros(1, 3, 4)
    targets = torch.tensor([[2, IGNORED, 1]])

    # Even odds over 4 tokens: ln 4 a token, two tokens.
    assert math.isclose(float(cross_entropy_sum(logits, targets)), 2 * math.log(4), rel_tol=1e-6)


def test_each_answer_has_its_own_sum_however_the_rows_are_laid_out() -> None:
    for packed in (True, False):
        (batch,) = micro_batches(PAIRS, 2, packed=packed, pad_id=0, layout="sequences")
        logits = torch.zeros(*batch.targets.shape, 8)

        # Wanted answers first, in the order of the rows, then the rejected ones.
        assert lengths(batch).tolist() == [1, 2, 3, 1]
        expected = torch.tensor([1.0, 2.0, 3.0, 1.0]) * -math.log(8)
        torch.testing.assert_close(log_probabilities(logits, batch), expected)
