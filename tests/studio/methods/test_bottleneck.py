"""Narrow networks stand after each sublayer of the chosen layers, with their norms or without."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.methods.bottleneck import Settings, peft_config, unsuited
from studio.methods.targets import LastLayers
from studio.training import loading
from studio.training.survey import survey


def test_places_and_norms_are_those_of_the_chosen_layers(tiny_model: Path) -> None:
    base = survey(loading.load_base(tiny_model, torch.float32))
    settings = Settings(layers=LastLayers(last=1))

    config = peft_config(settings, base)

    assert unsuited(settings, base) is None
    assert config["target_modules"] == [
        "model.layers.1.self_attn.o_proj",
        "model.layers.1.mlp.down_proj",
    ]
    assert config["modules_to_save"] == [
        "model.layers.1.input_layernorm",
        "model.layers.1.post_attention_layernorm",
    ]
    assert peft_config(Settings(norms=False), base)["modules_to_save"] is None
