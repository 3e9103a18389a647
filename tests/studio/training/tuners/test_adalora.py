"""AdaLoRA: ranks fall by the paper's budget, every direction that is left is saved as plain LoRA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch

from studio.errors import AskedWrongly
from studio.methods import METHODS
from studio.training import adapters, loading, loop
from studio.training.tuners.adalora import TUNER
from tests.studio.training.setups import setup
from tests.studio.training.tuners.models import adapted

METHOD = {"name": "adalora", "rank": 3, "start_rank": 5, "first_share": 0.25, "last_share": 0.25}
MODULES = 14
SETTINGS = METHODS["adalora"].settings.model_validate(
    {name: value for name, value in METHOD.items() if name != "name"}
)


def ranks_while_training(ready: loop.Setup) -> list[int]:
    """How many directions are switched on after each step."""
    found: list[int] = []

    def look(report: loop.Report) -> None:
        if report.step:
            found.append(
                sum(
                    int((value != 0).sum())
                    for name, value in ready.model.named_parameters()
                    if "lora_E" in name
                )
            )

    loop.run(ready, on_report=look, should_stop=lambda: False)
    return found


def budget(
    step: int, total: int, first: int, last: int, of: tuple[int, int] = (5 * MODULES, 3 * MODULES)
) -> int:
    """Section 3.3 of arXiv:2303.10512: b0, then bT + (b0 - bT) (1 - (t - ti) / (T - ti - tf))³, then bT."""
    b0, bT = of
    if step <= first:
        return b0
    if step >= total - last:
        return bT
    return int(bT + (b0 - bT) * (1 - (step - first) / (total - first - last)) ** 3)


def test_ranks_fall_by_the_papers_curve(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path, method=METHOD, max_steps=16)

    found = ranks_while_training(ready)

    assert found == [budget(step, 16, 4, 4) for step in range(1, 17)]


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_the_schedule_fits_every_run(steps: int, tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path, method="adalora", max_steps=steps)

    assert ranks_while_training(ready)[-1] == 8 * MODULES


def test_in_a_long_run_ranks_move_every_few_steps_and_still_by_the_papers_curve() -> None:
    steps = 250
    model = adapted("llama", {**METHOD, "targets": ["q_proj", "v_proj"]})
    config, allocator = model.peft_config["default"], model.base_model.rankallocator

    TUNER.begin(model, SETTINGS, steps)
    found = {step: allocator.budget_schedule(step) for step in range(1, steps + 1)}

    first, last = steps // 4, steps // 4
    assert (config.deltaT, config.tinit, config.tfinal) == (2, first, last)
    every = 6 * 5, 6 * 3
    for step, (kept, moves) in found.items():
        assert kept == budget(step, steps, first, last, of=every)
        is_due = first < step <= steps - last and step % 2 == 0
        assert moves == (is_due or step > steps - last)


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.1, 0.5), (0.45, 0.54), (0.09, 0.9)])
def test_the_schedule_is_never_longer_than_the_run(shares: tuple[float, float]) -> None:
    model = adapted("llama", {**METHOD, "targets": ["q_proj"]})
    config = model.peft_config["default"]
    settings = SETTINGS.model_copy(update={"first_share": shares[0], "last_share": shares[1]})

    for steps in (*range(1, 60), 240, 1001):
        TUNER.begin(model, settings, steps)

        assert config.total_step == steps
        assert 0 <= config.tinit < config.total_step - config.tfinal <= steps


def test_what_was_learned_is_a_plain_lora_with_a_rank_for_each_module(
    tiny_model: Path, tmp_path: Path
) -> None:
    ready = setup(tiny_model, tmp_path / "run", method=METHOD, max_steps=16)
    ranks_while_training(ready)
    ready.model.eval()
    ids = torch.tensor([[4, 5, 6, 7]])
    expected = ready.model(ids).logits.detach()

    adapters.save(ready.model, tmp_path / "out", base_name="Tiny", choice=ready.spec.method)
    loaded: Any = peft.PeftModel.from_pretrained(
        loading.load_base(tiny_model, torch.float32), str(tmp_path / "out")
    ).eval()

    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["peft_type"] == "LORA"
    largest = float(expected.abs().max())
    assert float((loaded(ids).logits - expected).abs().max()) < 1e-5 * largest
    merged = adapters.merge(loaded)
    assert float((merged(ids).logits - expected).abs().max()) < 1e-5 * largest


def test_the_orthogonality_is_made_smaller_with_the_loss(tiny_model: Path, tmp_path: Path) -> None:
    def obliqueness(weight: float) -> float:
        method = {**METHOD, "orthogonality": weight}
        ready = setup(tiny_model, tmp_path / str(weight), method=method, max_steps=12)
        ranks_while_training(ready)
        weights = [value for name, value in ready.model.named_parameters() if "lora_A" in name]
        norms = [torch.norm(value @ value.t() - torch.eye(len(value))) for value in weights]
        return float(torch.stack(norms).mean())

    assert obliqueness(1.0) < 0.9 * obliqueness(0.0)


def test_the_count_is_a_singular_value_and_two_vectors_a_direction() -> None:
    """r (in + out + 1) a module: of llama's query (64, 64) and value (64, 32) in 3 layers."""
    model = adapted("llama", {**METHOD, "targets": ["q_proj", "v_proj"]})

    assert adapters.count(model).trainable == 3 * 5 * ((64 + 64 + 1) + (64 + 32 + 1))


def test_a_rank_that_cannot_fall_is_refused() -> None:
    with pytest.raises(AskedWrongly, match="must be above rank"):
        adapted("llama", {"name": "adalora", "rank": 12})


@pytest.mark.parametrize("shares", [(0.1, 0.9), (0.45, 0.55), (0.4, 0.8)])
def test_phases_that_leave_no_steps_for_ranks_to_move_are_refused(
    shares: tuple[float, float],
) -> None:
    method = {"name": "adalora", "first_share": shares[0], "last_share": shares[1]}

    with pytest.raises(AskedWrongly, match="no steps in which ranks could move: lower one"):
        adapted("llama", method)
