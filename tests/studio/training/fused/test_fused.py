"""Fusing leaves every model what it was: the same logits, the same gradients."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM

from studio.training.fused import CHAINS, fuse

SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
# How many modules of two layers are fused: LoRA layers (7 a layer where each product is one of its
# own), the MLP where it is SiLU's, and norms where they are Llama's, the last one included.
ARCHITECTURES = {
    "llama": 14 + 2 + 5,
    "mistral": 14 + 2 + 5,
    "qwen2": 14 + 2 + 5,
    "qwen3": 14 + 2 + 9,
    "olmo2": 14 + 2 + 9,
    "gemma": 14,
    "gemma2": 14,
    "phi3": 8 + 5,
    "stablelm": 14 + 2,
    "granite": 14 + 2 + 5,
    "smollm3": 14 + 2 + 5,
}


def adapted(kind: str, **options: Any) -> nn.Module:
    """A small random model of a kind with LoRA on every linear layer, in training mode."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **SIZES))
    for name, value in model.named_parameters():
        if "norm" in name:
            nn.init.normal_(value, 1.0, 0.2)
    config = LoraConfig(
        r=2, lora_alpha=3, target_modules="all-linear", init_lora_weights=False, **options
    )
    return get_peft_model(model, config).train()


def logits_and_gradients(model: nn.Module) -> list[Tensor]:
    """The logits of a fixed text, and the gradient of every trained parameter."""
    ids = torch.arange(22).view(2, 11)
    logits = model(input_ids=ids, use_cache=False).logits
    trained = [value for value in model.parameters() if value.requires_grad]
    gradients = torch.autograd.grad(logits.sin().sum(), trained)
    return [logits.detach(), *gradients]


def worst(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest difference, as a share of the tensor's largest number."""
    pairs = zip(found, expected, strict=True)
    return max(float((a.detach() - b.detach()).abs().max() / b.abs().max()) for a, b in pairs)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_fused_model_gives_the_same_logits_and_gradients(kind: str) -> None:
    model = adapted(kind)
    expected = logits_and_gradients(model)

    assert fuse(model) == ARCHITECTURES[kind]

    assert worst(logits_and_gradients(model), expected) < 5e-5


@pytest.mark.parametrize(
    "options", [{"lora_dropout": 0.5}, {"use_dora": True}, {"lora_bias": True}]
)
def test_what_lora_can_do_beside_goes_its_own_way(options: dict[str, Any]) -> None:
    model = adapted("llama", **options)
    torch.manual_seed(1)
    expected = logits_and_gradients(model)

    fuse(model)

    torch.manual_seed(1)
    assert worst(logits_and_gradients(model), expected) < 2e-5


def test_a_fused_adapter_can_be_switched_off() -> None:
    model: Any = adapted("llama")
    ids = torch.arange(11)[None]
    with model.disable_adapter():
        expected = model(input_ids=ids).logits

    fuse(model)

    with model.disable_adapter():
        assert worst([model(input_ids=ids).logits], [expected]) < 2e-5
        assert worst([model(input_ids=ids).logits], [expected]) < 2e-5
    assert worst([model(input_ids=ids).logits], [expected]) > 1e-2


def test_under_autocast_the_products_are_in_its_precision_and_gradients_in_the_parameters() -> None:
    model = adapted("llama")
    exact = logits_and_gradients(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = logits_and_gradients(model)

    fuse(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = logits_and_gradients(model)

    assert [tensor.dtype for tensor in found] == [tensor.dtype for tensor in expected]
    assert worst(found, exact) < 1.5 * worst(expected, exact)


def test_trained_norms_are_left_alone() -> None:
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **SIZES))
    expected = logits_and_gradients(model)

    fuse(model)

    assert worst(logits_and_gradients(model), expected) < 2e-5


def test_fusing_twice_changes_nothing_more() -> None:
    model = adapted("llama")

    assert fuse(model) > 0
    assert fuse(model) == 0


class _Doubling(nn.Module):
    """Looks like Llama's RMSNorm and is another thing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4), requires_grad=False)
        self.eps = 1e-6

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x * self.weight


def test_a_module_that_only_looks_like_one_is_found_out_by_its_twin() -> None:
    model = nn.Sequential(_Doubling())
    expected = copy.deepcopy(model)(torch.ones(1, 4))

    assert CHAINS["rms_norm"].matches(model[0])
    assert fuse(model) == 0
    assert torch.equal(model(torch.ones(1, 4)), expected)
