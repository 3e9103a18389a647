"""The reference of preference training: the base's own view of every answer."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from studio.objectives import Encoded
from studio.training import loading
from studio.training.adapters import trainable
from studio.training.batching import Batch, micro_batches
from studio.training.fitting import Fit
from studio.training.reference import with_reference
from tests.studio.training.setups import setup

ROWS = [
    Encoded([4, 5, 6, 7], [0, 0, 1, 1], rejected=Encoded([4, 5, 9], [0, 0, 1])),
    Encoded([8, 9, 4], [0, 1, 1], rejected=Encoded([8, 7, 6], [0, 1, 1])),
]


def scored(model: nn.Module, file: Path, rows: list[Encoded] = ROWS) -> list[Encoded]:
    def batches(rows: Sequence[Encoded], fit: Fit) -> list[Batch]:
        size, layout = fit.rows_at_a_time, "sequences"
        kind: Any = layout
        return list(micro_batches(rows, size, packed=True, pad_id=3, layout=kind))

    return with_reference(
        rows, file, model, batches, contextlib.nullcontext, Fit(1), lambda _: None
    )


@pytest.mark.parametrize("method", ["lora", "full"])
def test_it_is_what_the_base_gives_each_token_of_an_answer(
    tiny_model: Path, tmp_path: Path, method: str
) -> None:
    model = setup(tiny_model, tmp_path, method=method).model
    if method == "lora":  # an adapter that has learnt something changes nothing
        with torch.no_grad():
            for _, value in trainable(model):
                value.add_(0.3)

    found = scored(model, tmp_path / "reference.safetensors")

    base = loading.load_base(tiny_model, torch.float32).eval()
    table = base(torch.tensor([[4, 5, 6, 7]])).logits[0].log_softmax(-1)
    by_hand = float(table[1, 6] + table[2, 7])
    assert found[0].reference[0] == pytest.approx(by_hand, rel=1e-5)
    assert all(len(row.reference) == 2 for row in found)


def test_a_resumed_run_reads_what_the_first_attempt_found(tiny_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "reference.safetensors"
    first = scored(setup(tiny_model, tmp_path).model, file)
    changed = setup(tiny_model, tmp_path, method="full").model
    with torch.no_grad():
        for value in changed.parameters():
            value.mul_(2)

    assert scored(changed, file) == first
