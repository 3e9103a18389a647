"""Offloading: layers come when they are wanted and go afterwards, and not a bit of the result changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.spec import ModelChoice
from studio.training import loop
from studio.training.adapters import trainable
from studio.training.fused import fuse
from studio.training.offload import Offload, how_many, offload
from studio.training.recomputing import recompute
from studio.training.sharding import layers_of
from tests import tiny
from tests.studio.training.setups import setup

CPU = torch.device("cpu")
CASES: dict[str, dict[str, Any]] = {
    "lora": {"method": "lora"},
    "nf4": {"method": "qlora", "held": ModelChoice.model_validate({"quantization": "nf4"})},
    "upper layers": {"method": {"name": "lora", "layers": {"last": 2}}},
    "recomputed": {"method": "lora", "gradient_checkpointing": True},
    "padded": {"method": "lora", "packed": False},
}


@pytest.fixture(scope="module")
def deep_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five layers, so that most of them are away at any moment."""
    return tiny.make_model(tmp_path_factory.mktemp("deep") / "model", layers=5)


def trained(model: Path, folder: Path, case: dict[str, Any], *, away: bool) -> tuple[Any, Offload]:
    """Losses and trained weights of a short run."""
    ready = setup(model, folder, epochs=1, **case)
    recompute(ready.model, ready.spec.training.recomputed_share)
    fuse(ready.model)
    held = offload(ready.model, CPU, None if away else 0, free=10**12)
    reports: list[Any] = []
    loop.run(ready, on_report=reports.append, should_stop=lambda: False)
    weights = [value.detach() for _, value in trainable(ready.model)]
    return [(report.loss, report.held_out_loss) for report in reports] + weights, held


@pytest.mark.parametrize("case", CASES)
@pytest.mark.some(2)
def test_training_is_bit_for_bit_that_of_a_model_that_is_there_as_a_whole(
    deep_model: Path, tmp_path: Path, case: str
) -> None:
    whole, none = trained(deep_model, tmp_path / "whole", CASES[case], away=False)
    parts, held = trained(deep_model, tmp_path / "parts", CASES[case], away=True)

    assert none.layers == []
    assert len(held.layers) == 5
    for left, right in zip(whole, parts, strict=True):
        assert torch.equal(left, right) if isinstance(left, torch.Tensor) else left == right
    assert held.bytes_here <= 2 * held.bytes / 5


def test_at_any_moment_two_layers_are_there_and_the_memory_of_others_is_given_back(
    deep_model: Path, tmp_path: Path
) -> None:
    ready = setup(deep_model, tmp_path)
    held = offload(ready.model, CPU, None, free=0)
    seen = []
    for layer in layers_of(ready.model):
        for module in layer.modules():
            module.register_forward_hook(lambda *_: seen.append(held.bytes_here))
            module.register_full_backward_hook(lambda *_: seen.append(held.bytes_here))

    loop.run(ready, on_report=lambda _: None, should_stop=lambda: True)

    assert max(seen) <= 2 * held.bytes / 5
    sizes = [sum(value.untyped_storage().nbytes() for value in layer.here) for layer in held.layers]
    assert sum(size > 0 for size in sizes) <= 2


def test_only_as_many_layers_go_as_must() -> None:
    sizes = [100] * 10

    assert how_many(sizes, needs_bytes=900, free=1000) == 0
    assert how_many(sizes, needs_bytes=1000, free=1000) == 3  # 50 too much, and two on their way
    assert how_many(sizes, needs_bytes=1400, free=1000) == 7
    assert how_many(sizes, needs_bytes=9000, free=1000) == 10
    assert how_many(sizes, needs_bytes=None, free=1000) == 10
