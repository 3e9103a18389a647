"""The loop: it learns, it repeats itself exactly, and it goes on exactly where it was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.errors import StudioError
from studio.methods import METHODS
from studio.training import loop
from studio.training.adapters import trainable
from studio.training.loop import Report, Setup
from tests.disks import fill, mounted
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


class Killed(Exception):
    """Stands in for a kill -9: the loop gets no chance to save."""


def train_killed_after(ready: Setup, reports: int) -> None:
    """Run the loop and break it off without a word."""
    seen: list[Report] = []

    def report(each: Report) -> None:
        seen.append(each)
        if len(seen) == reports:
            raise Killed

    with pytest.raises(Killed):
        loop.run(ready, on_report=report, should_stop=lambda: False)


def _families() -> list[Any]:
    """Every method; by default one of each family, the others are long (and in the matrix)."""
    first = {method.family: name for name, method in reversed(METHODS.items())}
    quick = {*first.values(), "lora", "qlora", "full"}
    return [pytest.param(name, marks=() if name in quick else pytest.mark.long) for name in METHODS]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("method", _families())
@pytest.mark.some(6)
def test_a_run_paused_and_killed_comes_to_the_very_same_losses_and_weights(
    tiny_model: Path, tmp_path: Path, method: str, precision: str
) -> None:
    settings = {"precision": precision, "batch_size": 2, "gradient_accumulation": 2, "epochs": 3}
    straight = setup(tiny_model, tmp_path / "straight", method=method, **settings)
    reports = train(straight)

    cut = tmp_path / "cut"
    train(setup(tiny_model, cut, method=method, **settings), stop_after=3)  # paused at step 2
    train_killed_after(setup(tiny_model, cut, method=method, **settings), reports=3)  # at step 5
    resumed = setup(tiny_model, cut, method=method, **settings)
    rest = train(resumed)

    # The last checkpoint before the kill was at the end of the first pass, step 3.
    assert [report.step for report in rest] == list(range(4, 10))
    for ours, theirs in zip(rest, reports[4:], strict=True):
        assert (ours.loss, ours.grad_norm) == (theirs.loss, theirs.grad_norm)
        assert ours.held_out_loss == theirs.held_out_loss
    assert all(map(torch.equal, weights(straight), weights(resumed)))


def test_random_numbers_go_on_where_they_were_after_a_pause(
    tiny_model: Path, tmp_path: Path
) -> None:
    method = {"name": "lora", "dropout": 0.3}
    straight = setup(tiny_model, tmp_path / "straight", method=method)
    train(straight)

    train(setup(tiny_model, tmp_path / "cut", method=method), stop_after=3)
    resumed = setup(tiny_model, tmp_path / "cut", method=method)
    train(resumed)

    assert all(map(torch.equal, weights(straight), weights(resumed)))


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before_and_nothing_else(
    tiny_model: Path, tmp_path: Path
) -> None:
    straight = setup(tiny_model, tmp_path / "straight")
    train(straight)
    cut = tmp_path / "cut"
    train(setup(tiny_model, cut), stop_after=6)  # checkpoints at steps 3 and 5
    (cut / "step-00000005" / "optimizer.safetensors").write_bytes(b"torn")

    resumed = setup(tiny_model, cut)
    rest = train(resumed)

    assert [report.step for report in rest] == [4, 5, 6]
    assert all(map(torch.equal, weights(straight), weights(resumed)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 80 MB."""
    with mounted(tmp_path / "disk", "80m") as disk:
        yield disk


def test_a_disk_about_to_be_full_pauses_with_words_and_the_run_goes_on_once_there_is_room(
    tiny_model: Path, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.training.room.LOOK_EVERY_S", 0.0)
    straight = setup(tiny_model, tmp_path / "straight")
    train(straight)
    ballast = small_disk / "ballast"

    def fill_at_step_2(report: Report) -> None:
        if report.step == 2:
            ballast.write_bytes(b"0" * 30_000_000)

    run = small_disk / "run"
    short = loop.run(setup(tiny_model, run), on_report=fill_at_step_2, should_stop=lambda: False)
    ballast.unlink()
    resumed = setup(tiny_model, run)
    rest = train(resumed)

    assert (short.is_complete, short.position.step) == (False, 2)
    assert "The disk is almost full" in str(short.shortage)
    assert [report.step for report in rest] == [3, 4, 5, 6]
    assert all(map(torch.equal, weights(straight), weights(resumed)))


def test_a_checkpoint_that_the_disk_refuses_leaves_the_one_before(
    tiny_model: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.training.room.SPARE_BYTES", 0)
    monkeypatch.setattr("studio.training.room.LOOK_EVERY_S", 1e9)

    def fill_at_step_5(report: Report) -> None:
        if report.step == 5:
            fill(small_disk)

    run = small_disk / "run"
    settings = {"epochs": 3}  # checkpoints at steps 3 and 6, and 9 at the end
    short = loop.run(
        setup(tiny_model, run, **settings), on_report=fill_at_step_5, should_stop=lambda: False
    )
    (small_disk / "ballast").unlink()

    assert short.shortage
    assert [path.name for path in run.iterdir()] == ["step-00000003"]
    assert train(setup(tiny_model, run, **settings))[0].step == 4


def test_evaluating_never_touches_training(tiny_model: Path, tmp_path: Path) -> None:
    method = {"name": "lora", "dropout": 0.3}
    watched = setup(tiny_model, tmp_path / "a", method=method, eval_every=1)
    unwatched = setup(tiny_model, tmp_path / "b", method=method, eval_every="never")

    train(watched)
    train(unwatched)

    assert all(map(torch.equal, weights(watched), weights(unwatched)))


@pytest.mark.parametrize("packed", [True, False])
def test_batches_by_tokens_equal_the_large_batch_and_go_on_exactly(
    tiny_model: Path, tmp_path: Path, packed: bool
) -> None:
    options = {"packed": packed, "batch_size": 8}
    large = train(setup(tiny_model, tmp_path / "a", **options))
    straight = train(setup(tiny_model, tmp_path / "b", tokens_per_batch=130, **options))
    cut = setup(tiny_model, tmp_path / "c", tokens_per_batch=130, **options)
    train(cut, stop_after=2)
    rest = train(setup(tiny_model, tmp_path / "c", tokens_per_batch=130, **options))

    assert [r.loss for r in straight[1:]] == pytest.approx([r.loss for r in large[1:]], rel=1e-4)
    assert [(r.loss, r.grad_norm) for r in rest] == [(r.loss, r.grad_norm) for r in straight[2:]]
    seen = loop.batches_of(cut, cut.training, cut.asked_fit)
    assert len(seen) > 2
    assert max(batch.inputs["input_ids"].numel() for batch in seen) <= 130


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
