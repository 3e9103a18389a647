"""The survey: a method learns the modules of a base with their sizes, and what kind of model it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from studio.spec import ModelChoice
from studio.training import loading
from studio.training.survey import layer_of, survey
from tests.studio.estimator.configurations import make_folder


def test_the_modules_of_a_llama_are_named_with_their_widths(tiny_model: Path) -> None:
    base = survey(loading.load_base(tiny_model, torch.float32))

    module = next(each for each in base.linear if each.last_name == "k_proj" and each.layer == 1)
    assert (module.inputs, module.outputs, module.is_attention) == (32, 16, True)
    assert (base.family, base.task, base.hidden, base.depth) == ("llama", "CAUSAL_LM", 32, 2)
    assert sum(each.kind == "norm" for each in base.modules) == 5


def test_a_quantised_base_says_so(tiny_model: Path) -> None:
    held = ModelChoice(quantization="nf4")

    assert survey(loading.load_base(tiny_model, torch.float32, held=held)).quantization == "nf4"


@pytest.mark.parametrize("name", ["gpt2", "bloom", "neox"])
def test_the_output_layer_and_the_embedding_are_no_linear_layers(name: str, tmp_path: Path) -> None:
    config = AutoConfig.from_pretrained(make_folder(name, tmp_path))
    with torch.device("meta"):
        base = survey(AutoModelForCausalLM.from_config(config))

    assert {each.kind for each in base.linear} == {"conv1d" if name == "gpt2" else "linear"}
    assert all(each.layer is not None for each in base.linear)
    assert next(each for each in base.modules if each.kind == "embedding").inputs == base.vocab


def test_the_layer_is_the_first_number_of_a_name() -> None:
    assert layer_of("model.layers.11.mlp.up_proj") == 11
    assert layer_of("model.embed_tokens") is None
