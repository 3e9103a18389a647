"""LoRA: which layers it takes, and what PEFT is told."""

from __future__ import annotations

import pytest

from studio.errors import AskedWrongly
from studio.methods import LinearModule
from studio.methods.low_rank import Settings, choose, peft_config, rate_factor

MODULES = [
    LinearModule(f"model.layers.{layer}.{part}.{name}", layer, part == "self_attn")
    for layer in range(4)
    for part, name in (("self_attn", "q_proj"), ("self_attn", "v_proj"), ("mlp", "up_proj"))
]


def chosen(**settings: object) -> list[str]:
    """Names of the modules that settings choose."""
    return [module.name for module in choose(Settings.model_validate(settings), MODULES)]


def test_all_linear_takes_every_module() -> None:
    assert chosen() == [module.name for module in MODULES]


def test_attention_takes_the_attention_modules_only() -> None:
    assert {name.rpartition(".")[2] for name in chosen(targets="attention")} == {"q_proj", "v_proj"}


def test_the_last_layers_and_listed_layers_are_taken() -> None:
    assert {name.split(".")[2] for name in chosen(layers={"last": 2})} == {"2", "3"}
    assert {name.split(".")[2] for name in chosen(layers=[0, 3])} == {"0", "3"}


def test_a_name_or_layer_that_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(AskedWrongly, match="q_proj, up_proj, v_proj"):
        chosen(targets=["query"])
    with pytest.raises(AskedWrongly, match="0 to 3"):
        chosen(layers=[4])


def test_peft_is_told_short_names_where_they_mean_the_same_set() -> None:
    assert peft_config(Settings(), MODULES)["target_modules"] == ["q_proj", "up_proj", "v_proj"]
    names = peft_config(Settings.model_validate({"layers": [1]}), MODULES)["target_modules"]
    assert names == [module.name for module in MODULES if module.layer == 1]


def test_the_second_matrix_alone_learns_faster_with_lora_plus() -> None:
    settings = Settings(plus_ratio=16.0)

    assert rate_factor(settings, "x.lora_B.default.weight") == 16.0
    assert rate_factor(settings, "x.lora_A.default.weight") == 1.0
    assert rate_factor(Settings(), "x.lora_B.default.weight") == 1.0
