"""Earlier adapters: learning on from their very numbers, part of a base, and summed by weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import safetensors.torch
import torch
from torch import Tensor

from studio.errors import AskedWrongly, StudioError
from studio.methods import METHODS
from studio.settings import Home
from studio.spec import Earlier, TrainSpec
from studio.training import adapters, earlier
from tests.studio.training.tuners.models import (
    WRONG_TENSORS,
    adapted,
    base,
    change_file,
    outputs,
    small,
)

NAME = "llama"


def chosen(method: Any) -> Any:
    return TrainSpec.parse({"method": method}).method


def kept(method: Any, folder: Path, seed: int = 0) -> Tensor:
    """An adapter as after training, in `folder`; the logits with it."""
    model = adapted(NAME, method, seed=seed)
    adapters.save(model, folder, base_name="Tiny", choice=chosen(method))
    return outputs(adapters.load(base(NAME), folder).eval(), NAME).detach()


LEARNS_ON = [
    name
    for name, method in METHODS.items()
    if method.quantization == "none" and not method.why_finished(chosen(small(name)).settings)
]


@pytest.mark.parametrize("name", LEARNS_ON)
@pytest.mark.some(15)
def test_an_adapter_learns_on_from_the_very_model_that_it_was(name: str, tmp_path: Path) -> None:
    """Zero steps later the logits are the same, whatever the new training's seed."""
    before = kept(small(name), tmp_path)

    model = adapted(NAME, small(name), moved=False, seed=7)
    earlier.begin_as(model, tmp_path, chosen(small(name)))

    assert torch.equal(outputs(model, NAME), before)
    assert any(value.requires_grad for value in model.parameters())


@pytest.mark.parametrize("name", sorted(METHODS.keys() - set(LEARNS_ON) - {"qlora"}))
def test_what_leaves_another_form_than_it_trains_is_refused_in_words(name: str) -> None:
    with pytest.raises(AskedWrongly, match=r"cannot itself learn on|needs the base") as caught:
        TrainSpec.parse({"model": {"adapter": 3}, "method": name})

    (problem,) = caught.value.fields
    assert problem.field == "model.adapter_use"
    assert ('Use "merge"' in problem.words) == (METHODS[name].is_mergeable and name != "full")


@pytest.mark.parametrize("wrong", WRONG_TENSORS)
def test_a_file_with_other_tensors_is_refused_and_nothing_is_changed(
    wrong: str, tmp_path: Path
) -> None:
    kept("lora", tmp_path)
    change, words = WRONG_TENSORS[wrong]
    change_file(tmp_path, change)
    model = adapted(NAME, "lora")
    before = outputs(model, NAME)

    with pytest.raises(StudioError, match=words):
        earlier.begin_as(model, tmp_path, chosen("lora"))
    assert torch.equal(outputs(model, NAME), before)


@pytest.mark.parametrize("above", ["lora", "prompt_tuning", "houlsby", "full"])
def test_merged_into_the_base_it_is_where_another_method_begins(above: str, tmp_path: Path) -> None:
    before = kept("lora", tmp_path)
    ground = earlier.merged_into(base(NAME), [tmp_path])

    torch.testing.assert_close(outputs(ground, NAME), before, rtol=1e-4, atol=1e-5)
    model = adapters.attach(ground, chosen(above), seed=0)
    assert not any("lora" in name for name, _ in adapters.trainable(model)) or above == "lora"
    with adapters.without(model) as beneath:
        torch.testing.assert_close(outputs(beneath, NAME), before, rtol=1e-4, atol=1e-5)


def test_several_are_merged_in_their_order(tmp_path: Path) -> None:
    for number in range(2):
        kept("lora", tmp_path / str(number), seed=number)
    one = earlier.merged_into(base(NAME), [tmp_path / "0"])
    both = earlier.merged_into(base(NAME), [tmp_path / "0", tmp_path / "1"])

    expected = adapters.load(one, tmp_path / "1").eval()
    torch.testing.assert_close(outputs(both, NAME), outputs(expected, NAME), rtol=1e-4, atol=1e-5)


def test_a_kept_adapter_that_was_changed_is_not_taken(tmp_path: Path) -> None:
    from studio.models.fingerprints import fingerprint_folder

    home = Home(tmp_path)
    kept("lora", tmp_path / "run")
    revision = fingerprint_folder(tmp_path / "run")
    one = Earlier(4, "Tone", revision)
    shutil.copytree(tmp_path / "run", home.adapter(revision))
    assert earlier.folder_of(one, home) == home.adapter(revision)

    (home.adapter(revision) / "adapter_config.json").write_text("{}")
    with pytest.raises(StudioError, match=r"training 4 \(Tone\).* is gone or was changed"):
        earlier.folder_of(one, home)


# LoRA's adapters of all shapes that may meet: other ranks, scales, modules.
LORAS = [
    {"name": "lora", "rank": 4, "alpha": 8},
    {"name": "lora", "rank": 8, "alpha": 4, "rslora": True},
    {"name": "lora", "rank": 4, "rank_pattern": {"q_proj": 6}, "alpha_pattern": {"v_proj": 3}},
    {"name": "lora", "rank": 4, "targets": "attention", "layers": {"last": 1}},
    {"name": "lora", "rank": 4, "init": "pissa"},
]


def change_of(folder: Path) -> dict[str, Tensor]:
    """What an adapter adds to each weight of the base."""
    merged = dict(adapters.merge(adapters.load(base(NAME), folder)).named_parameters())
    return {name: (merged[name] - value).detach() for name, value in base(NAME).named_parameters()}


def summed(parts: list[Path], weights: list[float], folder: Path, rank: int | None = None) -> None:
    earlier.write_sum(base(NAME), list(zip(parts, weights, strict=True)), rank, folder, "Tiny")


@pytest.mark.parametrize("second", range(1, len(LORAS)))
def test_a_sum_of_loras_adds_up_what_each_adds_to_the_weights(second: int, tmp_path: Path) -> None:
    parts = [tmp_path / "a", tmp_path / "b"]
    for number, (method, folder) in enumerate(zip((LORAS[0], LORAS[second]), parts, strict=True)):
        kept(method, folder, seed=number)
    summed(parts, [0.75, -0.5], tmp_path / "sum")

    left, right, both = (change_of(each) for each in (*parts, tmp_path / "sum"))
    for name, value in both.items():
        torch.testing.assert_close(
            value, 0.75 * left[name] - 0.5 * right[name], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("method", ["ia3", LORAS[0]], ids=["ia3", "lora"])
def test_weights_of_one_and_zero_give_the_first_adapter(method: Any, tmp_path: Path) -> None:
    parts = [tmp_path / "a", tmp_path / "b"]
    first, second = (kept(method, folder, seed=number) for number, folder in enumerate(parts))
    summed(parts, [1.0, 0.0], tmp_path / "sum")

    found = outputs(adapters.load(base(NAME), tmp_path / "sum").eval(), NAME)
    torch.testing.assert_close(found, first, rtol=1e-5, atol=1e-6)
    assert (found - second).abs().max() > 1e-3


def test_half_of_each_ia3_is_the_mean_of_their_factors(tmp_path: Path) -> None:
    parts = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(parts):
        kept("ia3", folder, seed=number)
    summed(parts, [0.5, 0.5], tmp_path / "sum")

    left, right, both = (
        safetensors.torch.load_file(folder / "adapter_model.safetensors")
        for folder in (*parts, tmp_path / "sum")
    )
    assert both.keys() == left.keys()
    for name, value in both.items():
        torch.testing.assert_close(value, (left[name] + right[name]) / 2)


def test_a_sum_reduced_to_a_rank_is_the_nearest_of_that_rank(tmp_path: Path) -> None:
    """Its distance is that of the singular values left out (Eckart and Young)."""
    parts = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(parts):
        kept(LORAS[0], folder, seed=number)
    summed(parts, [1.0, 1.0], tmp_path / "whole")
    summed(parts, [1.0, 1.0], tmp_path / "less", rank=3)

    name = "model.layers.1.mlp.up_proj.weight"
    whole, less = (change_of(tmp_path / each)[name] for each in ("whole", "less"))
    left_out = torch.linalg.svdvals(whole)[3:].square().sum().sqrt()
    torch.testing.assert_close((whole - less).norm(), left_out, rtol=1e-3, atol=1e-4)
    tensors = safetensors.torch.load_file(tmp_path / "less" / "adapter_model.safetensors")
    assert {len(value) for key, value in tensors.items() if "lora_A" in key} == {3}


def test_plain_peft_loads_a_sum(tmp_path: Path) -> None:
    parts = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(parts):
        kept(LORAS[0], folder, seed=number)
    summed(parts, [0.5, 0.5], tmp_path / "sum")

    loaded = peft.PeftModel.from_pretrained(base(NAME), str(tmp_path / "sum")).eval()
    ours = adapters.load(base(NAME), tmp_path / "sum").eval()
    assert torch.equal(outputs(loaded, NAME), outputs(ours, NAME))
    assert loaded.peft_config["default"].base_model_name_or_path == "Tiny"
