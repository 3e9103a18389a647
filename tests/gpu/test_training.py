"""Training on a CUDA device: `pytest -m gpu`, with torch, transformers, peft and safetensors at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from studio.training import adapters, loading, loop, probe
from studio.training.loop import Report
from tests import tiny
from tests.studio.training.setups import setup

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA device here"
)


def trained(model: Path, folder: Path, precision: str, **training: object) -> list[Report]:
    """Reports of a run on the GPU."""
    ready = setup(model, folder, precision=precision, **training)
    device = loading.choose_device("cuda")
    numbers = loading.choose_numbers(ready.spec.training.precision, device, trains_weights=False)
    base = loading.load_base(model, numbers.weights).to(device)
    packed = probe.keeps_documents_apart(base, tiny.VOCABULARY)
    adapted = adapters.attach(base, ready.spec.method, seed=0)
    ready = replace(ready, model=adapted, device=device, numbers=numbers, packed=packed)
    reports: list[Report] = []
    loop.run(ready, on_report=reports.append, should_stop=lambda: False)
    return reports


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_on_the_gpu_learns(tmp_path: Path, precision: str) -> None:
    model = tiny.make_model(tmp_path / "model")

    reports = trained(model, tmp_path / "run", precision, learning_rate=0.02, epochs=4)

    held_out = [report.held_out_loss for report in reports if report.held_out_loss is not None]
    assert held_out[-1] < held_out[0] - 0.1


def test_fp32_on_the_gpu_follows_the_processor(tmp_path: Path) -> None:
    model = tiny.make_model(tmp_path / "model")
    on_cpu: list[Report] = []
    loop.run(setup(model, tmp_path / "cpu"), on_report=on_cpu.append, should_stop=lambda: False)

    on_gpu = trained(model, tmp_path / "gpu", "fp32")

    for left, right in zip(on_cpu[1:], on_gpu[1:], strict=True):
        assert left.loss == pytest.approx(right.loss, rel=1e-3)
