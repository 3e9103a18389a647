"""The pure step: what it gives, and that however a batch is cut the gradients are the same."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import step
from studio.training.adapters import trainable
from studio.training.batching import micro_batches
from studio.training.losses import loss_of
from tests.studio.training.setups import encoded, setup

CHAT = loss_of(TrainSpec.parse({}).objective)


def gradients(model: Path, tmp_path: Path, batch_size: int, *, packed: bool) -> dict[str, Tensor]:
    """The gradients of six rows, cut into micro-batches of `batch_size`."""
    ready = setup(model, tmp_path, packed=packed)
    # LoRA's second matrix is zero at first, which would hide the first one's gradient.
    with torch.no_grad():
        for name, value in trainable(ready.model):
            if "lora_B" in name:
                value.copy_(torch.randn(value.shape, generator=torch.Generator().manual_seed(1)))
    batches = list(micro_batches(encoded(6), batch_size, packed=packed, pad_id=3))
    tokens = sum(batch.units for batch in batches)
    for batch in batches:
        step.micro_step(ready.model, CHAT, batch, tokens, contextlib.nullcontext())
    return {name: value.grad for name, value in trainable(ready.model) if value.grad is not None}


@pytest.mark.parametrize(("batch_size", "packed"), [(2, True), (1, True), (6, False), (4, False)])
def test_gradients_do_not_depend_on_how_the_rows_are_cut_and_laid_out(
    tiny_model: Path, tmp_path: Path, batch_size: int, packed: bool
) -> None:
    whole = gradients(tiny_model, tmp_path, 6, packed=True)
    cut = gradients(tiny_model, tmp_path, batch_size, packed=packed)

    assert whole.keys() == cut.keys()
    for name in whole:
        # Sums in another order differ in their last digits.
        assert (cut[name] - whole[name]).norm() <= 1e-5 * whole[name].norm()


def test_the_loss_equals_the_librarys_own(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path)
    row = encoded(1)[0]
    (batch,) = micro_batches([row], 1, packed=True, pad_id=3)
    labels = torch.tensor([[t if m else -100 for t, m in zip(row.ids, row.mask, strict=True)]])

    ours, _ = step.look(
        ready.model, CHAT, lambda logits, _: logits.sum(), batch, contextlib.nullcontext()
    )
    theirs = ready.model(input_ids=torch.tensor([row.ids]), labels=labels).loss

    torch.testing.assert_close(ours.total / ours.units, theirs)


def test_applying_clips_moves_the_weights_and_forgets_the_gradients(
    tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(tiny_model, tmp_path)
    (batch,) = micro_batches(encoded(4), 4, packed=True, pad_id=3)
    step.micro_step(ready.model, CHAT, batch, 1, contextlib.nullcontext())
    values = [value for _, value in trainable(ready.model)]
    before = [value.detach().clone() for value in values]
    optimizer = torch.optim.SGD(values, lr=1.0)

    norm = step.apply(optimizer, values, max_grad_norm=0.5)

    moved = torch.stack(
        [(new - old).norm() for new, old in zip(values, before, strict=True)]
    ).norm()
    assert norm > 0.5
    assert float(moved.detach()) == pytest.approx(0.5, rel=1e-3)
    assert all(value.grad is None for value in values)


def preference_rows() -> list[Encoded]:
    """Six questions with a wanted and an unwanted answer, and with another's answer for KTO."""
    rows = encoded(6)
    return [
        replace(
            row,
            rejected=rows[(place + 1) % 6],
            mismatched=rows[(place + 2) % 6],
            reference=(-20.0 - place, -30.0),
            is_good=place % 2 == 0,
        )
        for place, row in enumerate(rows)
    ]


@pytest.mark.parametrize("algorithm", ["dpo", "orpo", "kto"])
def test_preferences_weigh_rows_alike_however_they_are_cut(
    tiny_model: Path, tmp_path: Path, algorithm: str
) -> None:
    choice = TrainSpec.parse(
        {"objective": {"name": "preference", "algorithm": algorithm}}
    ).objective

    def gradient(batch_size: int, *, packed: bool) -> Tensor:
        model = setup(tiny_model, tmp_path, method="full").model.eval()
        rows = preference_rows()
        if algorithm == "kto":
            rows = [replace(row, rejected=None) for row in rows]
        batches = list(micro_batches(rows, batch_size, packed=packed, pad_id=3, layout="sequences"))
        gained = step.gains(model, batches, contextlib.nullcontext)
        for batch in step.with_baseline(batches, gained, len(rows)):
            step.micro_step(model, loss_of(choice), batch, len(rows), contextlib.nullcontext())
        return torch.cat([value.grad.flatten() for _, value in trainable(model)])  # type: ignore[union-attr]

    whole = gradient(6, packed=True)

    for cut in (gradient(2, packed=True), gradient(1, packed=True), gradient(4, packed=False)):
        assert (cut - whole).norm() <= 1e-5 * whole.norm()
