"""Adapters: attached, counted exactly, saved in PEFT's form and loaded again."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import peft
import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import AutoModelForCausalLM

from studio.errors import StudioError
from studio.methods import METHODS
from studio.spec import TrainSpec
from studio.training import adapters, loading
from tests.studio.training.tuners.models import (
    WRONG_TENSORS,
    adapted,
    base,
    change_file,
    small,
)

LORA = TrainSpec.parse({}).method
MERGED = [
    name
    for name, method in METHODS.items()
    if method.is_mergeable and method.family != "full" and method.quantization == "none"
]


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


@pytest.mark.parametrize("method", ["lora", "ia3", "bitfit", "houlsby", "prefix_tuning"])
@pytest.mark.parametrize("wrong", WRONG_TENSORS)
@pytest.mark.some(6)
def test_a_file_with_other_tensors_is_not_loaded(method: str, wrong: str, tmp_path: Path) -> None:
    choice = TrainSpec.parse({"method": method}).method
    adapters.save(adapted("llama", method), tmp_path, base_name="Tiny", choice=choice)
    change, words = WRONG_TENSORS[wrong]
    change_file(tmp_path, change)

    with pytest.raises(StudioError, match=rf"cannot be put on this base model: (?s:.*)({words})"):
        adapters.load(base("llama"), tmp_path)


def test_a_file_with_other_tensors_is_not_put_beside_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        adapters.save(adapted("llama", "lora"), tmp_path / name, base_name="Tiny", choice=LORA)
    change, words = WRONG_TENSORS["missing"]
    change_file(tmp_path / "two", change)
    model = adapters.load(base("llama"), tmp_path / "one", "one")

    with pytest.raises(StudioError, match=words):
        adapters.load_beside(model, tmp_path / "two", "two")
    assert list(model.peft_config) == ["one"]


def test_an_adapter_of_a_kind_that_a_later_version_may_know_is_refused(tmp_path: Path) -> None:
    adapters.save(adapted("llama", "lora"), tmp_path, base_name="Tiny", choice=LORA)
    file = tmp_path / "adapter_config.json"
    file.write_text(file.read_text("utf-8").replace('"LORA"', '"TELEPATHY"'), "utf-8")

    with pytest.raises(StudioError, match=r"its kind, 'TELEPATHY', is not known here\. It may"):
        adapters.load(base("llama"), tmp_path)


@pytest.mark.parametrize("name", MERGED)
@pytest.mark.some(12)
def test_over_a_base_in_bf16_the_sum_is_made_in_fp32_and_cast_once(name: str) -> None:
    """Bit for bit what merging into the same base in fp32 gives, cast; in fp32 where that is asked for."""
    over_fp32 = adapted("llama", small(name))
    layers = [each for each in over_fp32.modules() if isinstance(each, BaseTunerLayer)]
    for layer in layers:
        for value in layer.get_base_layer().parameters():
            value.data = value.data.bfloat16().float()
    over_bf16 = copy.deepcopy(over_fp32)
    for layer in over_bf16.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.get_base_layer().to(torch.bfloat16)
    kept = copy.deepcopy(over_bf16)

    exact = dict(adapters.merge(over_fp32).named_parameters())
    merged = dict(adapters.merge(over_bf16).named_parameters())
    whole = dict(adapters.merge(kept, torch.float32).named_parameters())

    assert merged.keys() == exact.keys()
    assert any(value.dtype is torch.bfloat16 for value in merged.values())
    assert all(
        torch.equal(merged[key], value.to(merged[key].dtype)) for key, value in exact.items()
    )
    assert all(torch.equal(whole[key], value) for key, value in exact.items())
