"""The loop: it learns, it repeats itself exactly, and it goes on exactly where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.errors import StudioError
from studio.training import loop
from studio.training.adapters import trainable
from studio.training.loop import Report, Setup
from tests.studio.training.setups import setup


def train(ready: Setup, stop_after: int | None = None) -> list[Report]:
    """Run the loop, asking it to stop after some reports; its reports."""
    reports: list[Report] = []
    loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    return reports


def weights(ready: Setup) -> list[torch.Tensor]:
    return [value.detach() for _, value in trainable(ready.model)]


def test_training_lowers_the_loss_on_rows_that_it_never_saw(
    tiny_model: Path, tmp_path: Path
) -> None:
    reports = train(setup(tiny_model, tmp_path, learning_rate=0.02, epochs=4))

    held_out = [report.held_out_loss for report in reports if report.held_out_loss is not None]
    assert len(held_out) == 5
    assert held_out[-1] < held_out[0] - 0.2


@pytest.mark.parametrize(
    "settings", [{}, {"method": {"name": "lora", "dropout": 0.3}}, {"method": "full"}]
)
def test_a_stopped_run_goes_on_to_the_very_same_weights(
    tiny_model: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    straight = setup(tiny_model, tmp_path / "straight", **settings)
    reports = train(straight)

    train(setup(tiny_model, tmp_path / "cut", **settings), stop_after=3)
    resumed = setup(tiny_model, tmp_path / "cut", **settings)
    rest = train(resumed)

    assert [report.loss for report in rest] == [report.loss for report in reports[3:]]
    assert all(map(torch.equal, weights(straight), weights(resumed)))


def test_evaluating_never_touches_training(tiny_model: Path, tmp_path: Path) -> None:
    method = {"name": "lora", "dropout": 0.3}
    watched = setup(tiny_model, tmp_path / "a", method=method, eval_every=1)
    unwatched = setup(tiny_model, tmp_path / "b", method=method, eval_every="never")

    train(watched)
    train(unwatched)

    assert all(map(torch.equal, weights(watched), weights(unwatched)))


def test_accumulating_equals_the_large_batch(tiny_model: Path, tmp_path: Path) -> None:
    large = train(setup(tiny_model, tmp_path / "a", batch_size=4))
    small = train(setup(tiny_model, tmp_path / "b", batch_size=1, gradient_accumulation=4))

    for left, right in zip(large[1:], small[1:], strict=True):
        assert left.loss == pytest.approx(right.loss, rel=1e-4)


def test_numbers_that_break_down_end_in_words(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path)
    with torch.no_grad():
        next(value for _, value in trainable(ready.model)).fill_(float("nan"))

    with pytest.raises(StudioError, match="learning rate ten times smaller"):
        train(ready)
