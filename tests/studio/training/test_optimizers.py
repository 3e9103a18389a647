"""Optimizers and the learning rate over a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.training import optimizers
from tests.studio.training import matrix
from tests.studio.training.setups import setup


def test_the_rate_rises_then_falls_to_near_zero() -> None:
    shares = [optimizers.rate_share(step, 100, "cosine", 0.1) for step in range(100)]

    assert shares[0] == pytest.approx(0.1)
    assert shares[9] == shares[10] == 1.0
    assert shares[55] == pytest.approx(0.5)
    assert shares[99] < 0.001


def test_the_other_schedules_are_straight() -> None:
    assert optimizers.rate_share(50, 100, "linear", 0.0) == pytest.approx(0.5)
    assert optimizers.rate_share(99, 100, "constant", 0.0) == 1.0


def test_a_run_of_one_step_learns_at_full_rate() -> None:
    assert optimizers.rate_share(0, 1, "cosine", 0.03) == 1.0


def test_lora_plus_gives_the_second_matrix_a_group_of_its_own(
    tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(tiny_model, tmp_path, method={"name": "lora", "plus_ratio": 8.0})
    optimizer = optimizers.build(ready.model, ready.spec)

    optimizers.set_rate(optimizer, 0.5)

    assert sorted(group["lr"] for group in optimizer.param_groups) == [0.5, 4.0]


def test_vectors_are_not_decayed(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path, method="full", weight_decay=0.1)

    for group in optimizers.build(ready.model, ready.spec).param_groups:
        assert {value.ndim > 1 for value in group["params"]} == {group["weight_decay"] > 0}


def test_a_head_never_learns_faster_than_it_can_bear(tmp_path: Path) -> None:
    """C3A learns at 0.3, where a classifier's head beside it runs away."""
    spec = matrix.spec_of("c3a", "bert", "fp32", 0.3)
    ready = matrix.setup("bert", spec, tmp_path)
    optimizer = optimizers.build(ready.model, ready.spec)

    optimizers.set_rate(optimizer, 0.3)

    rates = sorted({round(group["lr"], 9) for group in optimizer.param_groups})
    assert rates == [optimizers.HIGHEST_HEAD_RATE, 0.3]
