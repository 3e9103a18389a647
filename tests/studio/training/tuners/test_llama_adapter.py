"""LLaMA-Adapter: PEFT's own where PEFT has it, the same on every attention that can be added to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from torch import Tensor

from studio.errors import AskedWrongly, StudioError
from studio.spec import TrainSpec
from studio.training import adapters
from studio.training.tuners.llama_adapter import LlamaAdapterLayer
from tests.studio.training.tuners.models import adapted, base, gradients, outputs

METHOD = {"name": "llama_adapter", "adapter_length": 5}
ABLE = (
    *(
        "llama",
        "mistral",
        "qwen2",
        "qwen3",
        "gemma2",
        "gemma3",
        "phi3",
        "phi",
        "gpt2",
        "neox",
        "opt",
    ),
    *("stablelm", "olmo", "olmo2", "cohere", "cohere2", "granite", "smollm3", "bert", "mixtral"),
    *("qwen3 moe", "deepseek"),
)
FUSED_AND_NORMED = {"phi3", "neox", "qwen3", "olmo2"}


def theirs(name: str, ours: Any, layers: int) -> Any:
    """PEFT's AdaptionPrompt with the numbers of `ours`."""
    config = peft.AdaptionPromptConfig(
        adapter_len=5, adapter_layers=layers, task_type="CAUSAL_LM", target_modules="self_attn"
    )
    model = peft.get_peft_model(base(name), config)
    held = dict(model.named_parameters())
    for layer in ours.base_model.layers():
        before = f"base_model.model.{layer.key}.adaption_"
        held[f"{before}prompt"].data.copy_(layer.llama_adapter_prompt["default"].data[None])
        held[f"{before}gate"].data.copy_(layer.llama_adapter_gate["default"].data)
    return model.eval()


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_it_is_pefts_adaption_prompt_with_the_same_gradients(name: str) -> None:
    ours = adapted(name, {**METHOD, "layers": {"last": 2}})
    reference = theirs(name, ours, 2)
    torch.testing.assert_close(outputs(ours, name), outputs(reference, name))

    own = gradients(ours, name)
    for key, value in gradients(reference, name).items():
        place = key.replace("adaption_", "llama_adapter_") + ".default"
        torch.testing.assert_close(own[place].view(-1), value.view(-1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_what_is_saved_is_pefts_own_type_where_peft_computes_the_same(
    name: str, tmp_path: Path
) -> None:
    model = adapted(name, METHOD)
    choice = TrainSpec.parse({"method": METHOD}).method
    adapters.save(model, tmp_path, base_name="Tiny", choice=choice)

    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["peft_type"] == ("ADAPTION_PROMPT" if name == "llama" else "LLAMA_ADAPTER")
    loaded = peft.PeftModel.from_pretrained(base(name), str(tmp_path)).eval()
    torch.testing.assert_close(outputs(loaded, name), outputs(model, name))


@pytest.mark.parametrize(
    "name",
    [
        name if name in FUSED_AND_NORMED else pytest.param(name, marks=pytest.mark.long)
        for name in ABLE
    ],
)
def test_every_attention_is_given_the_prompts_part_once(name: str) -> None:
    """Shut it is the base; and a prompt whose values are zero gives nothing, however wide the gate."""
    shut = adapted(name, METHOD, moved=False)
    with shut.disable_adapter():
        expected = outputs(shut, name)
    assert torch.equal(outputs(shut, name), expected)

    opened = adapted(name, METHOD)
    found = outputs(opened, name)
    assert not torch.allclose(found, expected, rtol=1e-3)
    assert all(bool(value.abs().sum() > 0) for value in _of_the_method(gradients(opened, name)))


def test_keys_of_the_prompt_pass_the_models_own_norm() -> None:
    """By hand for qwen3: k_norm(k_proj(prompt)), not turned; queries normed and turned as the text's."""
    model = adapted("qwen3", METHOD)
    (layer, *_) = model.base_model.layers()
    own = layer.base_layer
    prompt = layer.llama_adapter_prompt["default"]
    given = {
        "hidden_states": torch.randn(2, 7, 64),
        "position_embeddings": (torch.randn(1, 7, 16), torch.randn(1, 7, 16)),
        "attention_mask": None,
    }

    keys, values = layer._keys_and_values("default", given)

    wanted = own.k_norm(own.k_proj(prompt).view(1, 5, 2, 16)).transpose(1, 2)
    torch.testing.assert_close(keys, wanted)
    torch.testing.assert_close(values, own.v_proj(prompt).view(1, 5, 2, 16).transpose(1, 2))


def test_the_count_is_a_prompt_and_a_gate_for_each_layer() -> None:
    """P d + 1 a layer; arXiv:2303.16199, section 3.1 (one gate a layer, as in PEFT)."""
    model = adapted("llama", {"name": "llama_adapter", "adapter_length": 7, "layers": {"last": 2}})

    assert adapters.count(model).trainable == 2 * (7 * 64 + 1)


def test_the_models_own_attention_is_back_after_each_pass() -> None:
    model = adapted("llama", METHOD)
    outputs(model, "llama")

    layers = [each for each in model.modules() if isinstance(each, LlamaAdapterLayer)]
    assert {id(each.base_layer.config) for each in layers} == {id(model.get_base_model().config)}


@pytest.mark.parametrize("name", ["bloom", "falcon", "mpt"])
def test_an_attention_of_its_own_is_refused_in_words(name: str) -> None:
    with pytest.raises(AskedWrongly, match="compute attention by code of their own"):
        adapted(name, METHOD)


def test_merging_is_refused_in_words() -> None:
    with pytest.raises(StudioError, match="cannot be merged into the model"):
        adapters.merge(adapted("llama", METHOD))


def _of_the_method(found: dict[str, Tensor]) -> list[Tensor]:
    return [value for name, value in found.items() if "llama_adapter" in name]


def test_pefts_own_type_loads_over_a_base_in_few_bits(tmp_path: Path) -> None:
    model = adapted("llama", METHOD, "nf4")
    choice = TrainSpec.parse({"method": METHOD}).method
    adapters.save(model, tmp_path, base_name="Tiny", choice=choice)

    loaded = adapters.load(base("llama", "nf4"), tmp_path).eval()

    assert torch.equal(outputs(loaded, "llama"), outputs(model, "llama"))
