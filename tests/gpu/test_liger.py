"""Liger's kernels on a CUDA device: the losses are those of our own fused operations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from studio.training import adapters, liger, loading, loop
from studio.training.fused import fuse
from studio.training.loop import Report
from tests import tiny
from tests.studio.training.setups import setup

pytest.importorskip("liger_kernel", reason="the extra 'liger' is not installed")
pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA device here"
)


def losses(model: Path, folder: Path, kernels: str, precision: str, method: str) -> list[float]:
    """The losses of a short run on the GPU."""
    ready = setup(model, folder, packed=False, precision=precision, method=method, kernels=kernels)
    device = loading.choose_device("cuda")
    is_full = method == "full"
    numbers = loading.choose_numbers(precision, device, trains_weights=is_full)
    base = loading.load_base(model, numbers.weights).to(device)
    adapted = adapters.attach(base, ready.spec.method, seed=0)
    if kernels == "liger":
        assert liger.use(adapted, device) == 2 + 5
    fuse(adapted)
    ready = replace(ready, model=adapted, device=device, numbers=numbers)
    reports: list[Report] = []
    loop.run(ready, on_report=reports.append, should_stop=lambda: False)
    return [report.loss for report in reports if report.loss is not None]


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize(("precision", "share"), [("fp32", 1e-4), ("bf16", 2e-2)])
def test_the_losses_are_those_of_our_own_operations(
    tmp_path: Path, method: str, precision: str, share: float
) -> None:
    model = tiny.make_model(tmp_path / "model")

    own = losses(model, tmp_path / "own", "own", precision, method)
    theirs = losses(model, tmp_path / "liger", "liger", precision, method)

    assert theirs == pytest.approx(own, rel=share)
