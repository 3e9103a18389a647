"""Loss scaling: as torch's own scaler does it, and a run in fp16 that overflows goes on and can be resumed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from studio.training import loop, optimizers, scaling
from studio.training.loading import choose_numbers, computes_in
from studio.training.loop import Report, Setup
from studio.training.scaling import Scaling
from tests.studio.training.setups import setup

CPU = torch.device("cpu")
needs_fp16 = pytest.mark.skipif(
    not computes_in(torch.float16, CPU), reason="this processor's torch does not compute in fp16"
)


def test_the_scale_moves_as_torch_s_own_scaler_moves_it() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    theirs = torch.amp.GradScaler("cpu")
    theirs.scale(torch.ones(()))
    ours = Scaling()
    for number in range(4100):
        overflowed = number in (3, 4, 50)
        weight.grad = torch.full((1,), math.inf if overflowed else 1.0)
        theirs.unscale_(optimizer)
        theirs.step(optimizer)
        theirs.update()
        ours = ours.after(overflowed=overflowed)
        assert ours.scale == theirs.get_scale()
    assert ours.scale == 2.0**15


def test_only_fp16_is_scaled_and_only_sound_losses_are_forgiven() -> None:
    assert Scaling.first(choose_numbers("fp32", CPU, trains_weights=True)) is None
    assert Scaling.first(choose_numbers("bf16", CPU, trains_weights=True)) is None
    assert Scaling().overflows(1.0, math.inf)
    assert not Scaling().overflows(math.nan, math.inf)
    assert not Scaling(1.0).overflows(1.0, math.inf), "nothing is left to make smaller"


def train(ready: Setup, stop_after: int | None = None) -> list[Report]:
    reports: list[Report] = []
    loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    return reports


@needs_fp16
@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.some(1)
def test_a_run_in_fp16_learns_what_one_in_fp32_learns(
    tiny_model: Path, tmp_path: Path, method: str
) -> None:
    exact = train(setup(tiny_model, tmp_path / "a", method=method, learning_rate=0.002))
    half = train(
        setup(tiny_model, tmp_path / "b", method=method, learning_rate=0.002, precision="fp16")
    )

    assert [report.loss for report in half[1:]] == pytest.approx(
        [report.loss for report in exact[1:]], rel=5e-3
    )


@needs_fp16
def test_gradients_that_are_too_large_are_left_out_and_a_resumed_run_scales_alike(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overflow_at = {1, 2, 5}
    calls = 0
    own = optimizers.unscale

    def unscale(optimizer: torch.optim.Optimizer, scale: float) -> None:
        nonlocal calls
        calls += 1
        own(optimizer, scale)
        if calls in overflow_at:
            next(optimizers.parameters(optimizer)).grad.fill_(math.inf)  # type: ignore[union-attr]

    monkeypatch.setattr(optimizers, "unscale", unscale)
    straight = train(setup(tiny_model, tmp_path / "a", precision="fp16", epochs=3))
    outcome = loop.run(
        setup(tiny_model, tmp_path / "a", precision="fp16", epochs=3),
        on_report=print,
        should_stop=lambda: False,
    )
    calls = 0
    train(setup(tiny_model, tmp_path / "b", precision="fp16", epochs=3), stop_after=5)
    rest = train(setup(tiny_model, tmp_path / "b", precision="fp16", epochs=3))

    assert outcome.position.scaling == Scaling(scaling.FIRST / 8, 4)
    assert outcome.position.spikes.skipped == 3
    assert all(report.warning is None for report in straight)
    assert [(r.loss, r.grad_norm) for r in rest] == [(r.loss, r.grad_norm) for r in straight[5:]]
