"""Diff Pruning: gates by the paper's formulas, the cut to a share, and both parts resumed exactly."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from studio.spec import TrainSpec
from studio.training import adapters, loading, loop
from studio.training.tuners.diff_pruning import DiffPruningLayer, expected_changes
from tests.studio.training.setups import setup
from tests.studio.training.tuners.models import adapted, base, gradients, outputs

METHOD = {"name": "diff_pruning", "sparsity": 0.01, "groups": "row"}
# llama's seven linear layers: 64 wide, 32 for keys and values, 160 between.
SHAPES = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 160), (64, 160), (160, 64)]
WEIGHTS = 3 * sum(inputs * outputs for inputs, outputs in SHAPES)


def layers(model: Any) -> list[DiffPruningLayer]:
    """Its layers, in the model's order."""
    found: list[DiffPruningLayer] = model.base_model.layers()
    return found


def cut(model: Any) -> Any:
    """A model after the first part."""
    spec = TrainSpec.parse({"method": METHOD}).method
    tuner = loop.tuner_of(spec)
    tuner.begin(model, spec.settings, 2)
    assert tuner.advance(model, spec.settings, 1)
    return model


@pytest.mark.parametrize(("groups", "count"), [("none", 0), ("matrix", 21), ("row", 3 * 576)])
def test_the_count_is_two_numbers_a_weight_and_one_a_group(groups: str, count: int) -> None:
    """w and α of each weight, α of each group: arXiv:2012.07463, sections 3.1 and 3.2."""
    model = adapted("llama", {"name": "diff_pruning", "groups": groups})

    assert sum(outputs for _, outputs in SHAPES) == 576
    assert adapters.count(model).trainable == 2 * WEIGHTS + count


def test_after_the_cut_as_many_train_as_the_share_says() -> None:
    model = cut(adapted("llama", METHOD))

    assert adapters.count(model).trainable == int(0.01 * WEIGHTS)


def test_what_is_kept_are_the_largest_changes_wherever_they_lie() -> None:
    model = adapted("llama", METHOD)
    before = torch.cat([layer.change("default").detach().flatten() for layer in layers(model)])
    least = before.abs().sort(descending=True).values[int(0.01 * WEIGHTS) - 1]

    cut(model)

    after = torch.cat(
        [
            layer.change("default").flatten()
            if layer.changes_with("default")
            else torch.zeros(math.prod(layer.shape))
            for layer in layers(model)
        ]
    )
    assert torch.equal(after, torch.where(before.abs() >= least, before, 0.0))


@pytest.mark.parametrize("groups", ["none", "matrix", "row"])
def test_the_expected_number_of_changes_is_the_closed_form_and_what_is_drawn(groups: str) -> None:
    """Σ σ(α - log(-l / r)) σ(α_g - log(-l / r)) with l = -1.5, r = 1.5: equation 5 and section 3.2."""
    method = {"name": "diff_pruning", "groups": groups, "layers": [0], "targets": ["o_proj"]}
    model = adapted("llama", method)
    (layer,) = layers(model)
    torch.manual_seed(0)
    gate = layer.diff_pruning_gate["default"]
    gate.data.normal_()
    wanted = gate.sigmoid()
    if groups != "none":
        layer.diff_pruning_group["default"].data.normal_()
        wanted = wanted * layer.diff_pruning_group["default"].sigmoid()
    layer.diff_pruning_change["default"].data.fill_(1.0)

    torch.testing.assert_close(expected_changes(model), wanted.sum())
    layer.train()
    chances = float(wanted.detach().sum())
    drawn = [int((layer.change("default") != 0).sum()) for _ in range(400)]
    assert abs(sum(drawn) / 400 - chances) < 0.02 * chances


def test_the_price_closes_gates() -> None:
    def open_ones(penalty: float) -> float:
        model = adapted("llama", METHOD, moved=False)
        gates = [layer.diff_pruning_gate["default"] for layer in layers(model)]
        optimizer = torch.optim.SGD(gates, lr=100.0)
        (penalty * expected_changes(model)).backward()
        optimizer.step()
        return float(expected_changes(model).detach())

    assert open_ones(1.0) < open_ones(0.0)


def test_the_file_holds_the_changes_and_nothing_else(tmp_path: Path) -> None:
    model = cut(adapted("llama", METHOD))
    expected = outputs(model, "llama").detach()
    choice = TrainSpec.parse({"method": METHOD}).method
    adapters.save(model, tmp_path, base_name="Tiny", choice=choice)

    tensors = safetensors.torch.load_file(tmp_path / "adapter_model.safetensors")
    sizes = {"values": 0, "places": 0}
    for name, value in tensors.items():
        sizes[name.rpartition("diff_pruning_")[2]] += value.numel()
    kept = json.loads((tmp_path / "adapter_config.json").read_text())["kept"]
    assert sizes == dict.fromkeys(sizes, int(0.01 * WEIGHTS))
    assert sum(kept.values()) == int(0.01 * WEIGHTS)
    loaded = adapters.load(base("llama"), tmp_path).eval()
    assert torch.equal(outputs(loaded, "llama"), expected)
    merged = outputs(adapters.merge(loaded), "llama")
    torch.testing.assert_close(merged, expected, rtol=1e-5, atol=1e-5)


def test_it_begins_as_the_base_and_every_gate_has_a_gradient() -> None:
    model = adapted("llama", METHOD, moved=False)
    assert torch.equal(outputs(model, "llama"), outputs(base("llama"), "llama"))

    moved = adapted("llama", METHOD)
    for name, value in adapters.trainable(moved):
        if "diff_pruning_g" in name:
            # Where they begin, most are wide open in a single draw, and learn by their price alone.
            value.data.zero_()
    found = gradients(moved, "llama")
    assert all(bool(value.abs().sum() > 0) for value in found.values())


def run(ready: loop.Setup, stop_after: int | None = None) -> list[loop.Report]:
    """Train, or stop after so many steps."""
    reports: list[loop.Report] = []
    loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and reports[-1].step >= stop_after,
    )
    return reports


def weights(ready: loop.Setup) -> dict[str, Tensor]:
    """What trains."""
    return dict(adapters.trainable(ready.model))


@pytest.mark.parametrize("stop_after", [2, 3, 4])
@pytest.mark.some(2)
def test_a_run_resumes_exactly_in_either_part_and_at_the_cut(
    stop_after: int, tiny_model: Path, tmp_path: Path
) -> None:
    """Six steps, the cut after the third."""
    straight = setup(tiny_model, tmp_path / "straight", method=METHOD, max_steps=6)
    run(straight)

    run(setup(tiny_model, tmp_path / "cut", method=METHOD, max_steps=6), stop_after)
    resumed = setup(tiny_model, tmp_path / "cut", method=METHOD, max_steps=6)
    run(resumed)

    wanted, found = weights(straight), weights(resumed)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    assert any("values" in name for name in found)


def test_early_stopping_looks_at_the_second_part_only(tiny_model: Path, tmp_path: Path) -> None:
    """At this rate every measurement is worse than the one before: the best is the first after the cut."""
    training: dict[str, Any] = {"early_stopping": 1, "eval_every": 1, "learning_rate": 1.0}
    ready = setup(tiny_model, tmp_path, method=METHOD, max_steps=12, **training)

    reports = run(ready)

    assert reports[-1].step > 6
    assert all("values" in name for name in weights(ready))


def test_what_is_saved_before_the_cut_is_cut(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path / "run", method=METHOD, max_steps=6)
    run(ready, stop_after=2)

    adapters.save(ready.model, tmp_path / "out", base_name="Tiny", choice=ready.spec.method)

    held = loading.load_base(tiny_model, torch.float32)
    loaded = adapters.load(held, tmp_path / "out")
    names = [name for name, _ in loaded.named_parameters() if "diff_pruning" in name]
    assert names
    assert all("values" in name for name in names)
