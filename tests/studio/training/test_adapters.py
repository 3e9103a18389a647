"""Adapters: attached, counted exactly, saved in PEFT's form and loaded again."""

from __future__ import annotations

import json
from pathlib import Path

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM

from studio.errors import StudioError
from studio.spec import TrainSpec
from studio.training import adapters, loading

LORA = TrainSpec.parse({}).method


def attached(model: Path, method: object) -> torch.nn.Module:
    spec = TrainSpec.parse({"method": method})
    return adapters.attach(loading.load_base(model, torch.float32), spec.method, seed=0)


def test_lora_on_all_linear_layers_counts_rank_times_both_widths(tiny_model: Path) -> None:
    # Per layer of the tiny Llama (32 wide, 64 between, keys and values 16): q, k, v, o, gate, up, down.
    widths = 64 + 48 + 48 + 64 + 96 + 96 + 96

    counts = adapters.count(attached(tiny_model, {"name": "lora", "rank": 4}))

    assert counts.trainable == 2 * 4 * widths


def test_full_fine_tuning_trains_all_with_tied_weights_once(tiny_model: Path) -> None:
    counts = adapters.count(attached(tiny_model, "full"))

    assert counts.trainable == counts.total
    assert counts.total == sum(
        p.numel() for p in AutoModelForCausalLM.from_pretrained(tiny_model).parameters()
    )


def test_the_start_values_depend_on_the_seed_alone(tiny_model: Path) -> None:
    torch.manual_seed(99)
    first = [value for _, value in adapters.trainable(attached(tiny_model, "lora"))]
    torch.rand(3)
    second = [value for _, value in adapters.trainable(attached(tiny_model, "lora"))]

    assert all(map(torch.equal, first, second))


def test_a_saved_adapter_loads_with_plain_peft_and_names_no_path(
    tiny_model: Path, tmp_path: Path
) -> None:
    model = attached(tiny_model, "lora")
    with torch.no_grad():
        for _, value in adapters.trainable(model):
            value.add_(0.05)
    adapters.save(model, tmp_path, base_name="Tiny model", choice=LORA)
    ids = torch.tensor([[4, 5, 6]])

    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    loaded = peft.PeftModel.from_pretrained(base, str(tmp_path))

    torch.testing.assert_close(loaded(ids).logits, model.eval()(ids).logits)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "Tiny model"


def test_an_adapter_of_another_model_is_refused_in_words(tiny_model: Path, tmp_path: Path) -> None:
    from tests import tiny

    adapters.save(
        attached(tiny_model, "lora"), tmp_path / "adapter", base_name="Tiny model", choice=LORA
    )
    other = loading.load_base(tiny.make_model(tmp_path / "wide", hidden=64), torch.float32)

    with pytest.raises(StudioError, match="cannot be put on this base model"):
        adapters.load(other, tmp_path / "adapter")
