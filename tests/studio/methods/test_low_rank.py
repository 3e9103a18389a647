"""LoRA: what PEFT is told."""

from __future__ import annotations

from studio.methods import Base, Module
from studio.methods.low_rank import Settings, peft_config, rate_factor

MODULES = [
    Module(f"model.layers.{layer}.{part}.{name}", layer, is_attention=part == "self_attn")
    for layer in range(4)
    for part, name in (("self_attn", "q_proj"), ("self_attn", "v_proj"), ("mlp", "up_proj"))
]
BASE = Base("llama", "CAUSAL_LM", hidden=8, vocab=16, modules=tuple(MODULES))


def test_peft_is_told_short_names_where_they_mean_the_same_set() -> None:
    assert peft_config(Settings(), BASE)["target_modules"] == ["q_proj", "up_proj", "v_proj"]
    names = peft_config(Settings.model_validate({"layers": [1]}), BASE)["target_modules"]
    assert names == [module.name for module in MODULES if module.layer == 1]


def test_the_second_matrix_alone_learns_faster_with_lora_plus() -> None:
    settings = Settings(plus_ratio=16.0)

    assert rate_factor(settings, "x.lora_B.default.weight") == 16.0
    assert rate_factor(settings, "x.lora_A.default.weight") == 1.0
    assert rate_factor(Settings(), "x.lora_B.default.weight") == 1.0
