"""Losses: each against its formula, written out here in float64."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from studio.objectives import Encoded
from studio.spec import ObjectiveChoice, TrainSpec
from studio.training.batching import Batch, micro_batches
from studio.training.losses import loss_of

VOCABULARY = 8
PAIRS = [
    Encoded(
        [1, 2, 3, 4],
        [0, 0, 1, 1],
        rejected=Encoded([1, 2, 5], [0, 0, 1]),
        reference=(-3.0, -2.5),
    ),
    Encoded(
        [2, 6, 7],
        [0, 1, 1],
        rejected=Encoded([2, 3, 4, 5], [0, 1, 1, 1]),
        reference=(-4.0, -7.0),
    ),
]
SINGLE = [
    replace(PAIRS[0], rejected=None, weight=1.5),
    replace(PAIRS[1], rejected=None, is_good=False, weight=0.5),
]


def choice(name: str, **settings: Any) -> ObjectiveChoice:
    return TrainSpec.parse({"objective": {"name": name, **settings}}).objective


def batch_of(rows: list[Encoded], layout: Any, *, packed: bool = False) -> tuple[Batch, Tensor]:
    """The rows as one batch, with logits made up for it."""
    (batch,) = micro_batches(rows, len(rows), packed=packed, pad_id=0, layout=layout)
    shape = (*batch.targets.shape, VOCABULARY) if batch.keep is not None else (len(rows), 3)
    return batch, torch.randn(shape, generator=torch.Generator().manual_seed(5))


def answers(batch: Batch, logits: Tensor) -> tuple[list[float], list[int]]:
    """Log-probability and length of each answer, token by token."""
    assert batch.sequences is not None
    table = logits.double().log_softmax(-1)
    sums = [0.0] * int(batch.sequences.max() + 1)
    lengths = [0] * len(sums)
    for line, targets in enumerate(batch.targets.tolist()):
        for place, token in enumerate(targets):
            if token >= 0:
                sequence = int(batch.sequences[line, place])
                sums[sequence] += float(table[line, place, token])
                lengths[sequence] += 1
    return sums, lengths


def log_sigmoid(value: float) -> float:
    return -math.log1p(math.exp(-value))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def expected(algorithm: str, wanted: Any, unwanted: Any) -> float:
    """The published formula for one pair; each answer is (log-probability, length, reference)."""
    (rw, nw, fw), (rl, nl, fl) = wanted, unwanted
    if algorithm == "dpo":
        return -log_sigmoid(0.1 * ((rw - fw) - (rl - fl)))
    if algorithm == "ipo":
        return float(((rw - fw) / nw - (rl - fl) / nl - 1 / (2 * 0.1)) ** 2)
    aw, al = rw / nw, rl / nl
    if algorithm == "simpo":
        return -log_sigmoid(2.0 * (aw - al) - 1.0)
    odds_w, odds_l = (math.exp(a) / (1 - math.exp(a)) for a in (aw, al))
    return float(-aw - 0.1 * log_sigmoid(math.log(odds_w / odds_l)))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("algorithm", ["dpo", "ipo", "orpo", "simpo"])
def test_a_preference_loss_is_its_paper_s_formula(algorithm: str, packed: bool) -> None:
    batch, logits = batch_of(PAIRS, "sequences", packed=packed)
    sums, lengths = answers(batch, logits)
    references = [row.reference[0] for row in PAIRS] + [row.reference[1] for row in PAIRS]
    each = list(zip(sums, lengths, references, strict=True))

    loss = float(loss_of(choice("preference", algorithm=algorithm))(logits, batch))

    by_hand = sum(expected(algorithm, each[row], each[row + 2]) for row in range(2))
    assert loss == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("baseline", [None, 0.7])
def test_kto_weighs_good_and_bad_answers_against_what_the_model_does_anyway(
    baseline: float | None,
) -> None:
    batch, logits = batch_of(SINGLE, "sequences", packed=True)
    sums, _ = answers(batch, logits)
    if baseline is not None:
        batch = replace(batch, baseline=torch.tensor(baseline))

    loss = float(loss_of(choice("preference", algorithm="kto"))(logits, batch))

    z0 = baseline or 0.0
    good = 1.5 * (1 - sigmoid(0.1 * ((sums[0] + 3.0) - z0)))
    bad = 0.5 * (1 - sigmoid(0.1 * (z0 - (sums[1] + 4.0))))
    assert loss == pytest.approx(good + bad, rel=1e-5)


def test_dpo_with_marks_that_may_be_wrong_mixes_both_directions() -> None:
    batch, logits = batch_of(PAIRS, "sequences")
    sums, _ = answers(batch, logits)
    margins = [0.1 * ((sums[0] + 3.0) - (sums[2] + 2.5)), 0.1 * ((sums[1] + 4.0) - (sums[3] + 7.0))]

    loss = float(loss_of(choice("preference", label_smoothing=0.2))(logits, batch))

    by_hand = sum(-0.8 * log_sigmoid(m) - 0.2 * log_sigmoid(-m) for m in margins)
    assert loss == pytest.approx(by_hand, rel=1e-5)


def test_chat_and_text_sum_over_trained_tokens() -> None:
    (batch,) = micro_batches([Encoded([1, 2, 3], [0, 1, 1])], 1, packed=True, pad_id=0)

    for name in ("chat", "text"):
        # Even odds over 4 tokens: ln 4 a token, two tokens.
        total = loss_of(choice(name))(torch.zeros(1, 2, 4), batch)
        assert float(total) == pytest.approx(2 * math.log(4))


def test_a_decoder_is_trained_on_what_it_writes_and_not_on_padding() -> None:
    rows = [Encoded([1], [0], target=(4, 5)), Encoded([1, 2], [0, 0], target=(6,))]
    (batch,) = micro_batches(rows, 2, packed=False, pad_id=0, layout="decoder", start_id=9)

    assert batch.inputs["decoder_input_ids"].tolist() == [[9, 4], [9, 0]]
    total = loss_of(choice("seq2seq"))(torch.zeros(2, 2, 8), batch)
    assert float(total) == pytest.approx(3 * math.log(8))


def test_a_rare_label_may_count_more() -> None:
    rows = [
        Encoded([1], [0], target=(2,), weight=3.0),
        Encoded([1, 2], [0, 0], target=(0,), weight=0.5),
    ]
    batch, logits = batch_of(rows, "classes")

    loss = float(loss_of(choice("classification"))(logits, batch))

    table = logits.double().log_softmax(-1)
    assert loss == pytest.approx(float(-3.0 * table[0, 2] - 0.5 * table[1, 0]), rel=1e-5)


def test_several_labels_are_each_decided_by_itself() -> None:
    rows = [Encoded([1], [0], target=(1, 0, 1))]
    batch, logits = batch_of(rows, "classes")
    settings = {"several": True, "labels": ["a", "b", "c"], "weights": [2.0, 1.0, 1.0]}

    loss = float(loss_of(choice("classification", **settings))(logits, batch))

    a, b, c = logits[0].double().tolist()
    by_hand = -(2.0 * log_sigmoid(a) + log_sigmoid(-b) + log_sigmoid(c)) / 3
    assert loss == pytest.approx(by_hand, rel=1e-5)
