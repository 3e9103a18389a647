"""Attention by document equals the masked attention of the whole line, row by row."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from studio.training import attention

DOCUMENTS = (3, 1, 6, 4)
POSITIONS = torch.cat([torch.arange(length) for length in DOCUMENTS])[None]


def small(kind: str, **sizes: Any) -> Any:
    """A small random model of a kind."""
    torch.manual_seed(0)
    options = {
        "vocab_size": 40,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32,
    }
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **options | sizes)).eval()


def logits_and_gradient(model: Any, **options: Any) -> tuple[Tensor, Tensor]:
    """Of a packed line of `DOCUMENTS`; the gradient of the first layer's query matrix."""
    ids = torch.arange(POSITIONS.shape[1])[None]
    logits = model(input_ids=ids, position_ids=POSITIONS, use_cache=False, **options).logits
    weight = model.model.layers[0].self_attn.q_proj.weight
    (gradient,) = torch.autograd.grad(logits.sin().sum(), weight)
    return logits.detach(), gradient


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [("llama", {}), ("llama", {"num_key_value_heads": 4}), ("mistral", {"sliding_window": 3}), ("qwen3", {})],
)  # fmt: skip
def test_it_gives_what_the_mask_gives(kind: str, sizes: dict[str, Any]) -> None:
    model = small(kind, **sizes)
    expected = logits_and_gradient(model)

    assert attention.use(model)
    found = logits_and_gradient(model, **attention.arguments(model, DOCUMENTS))

    for ours, theirs in zip(found, expected, strict=True):
        # Processors add in different orders; the gradient of a small model's first layer shows it most.
        assert (ours - theirs).norm() <= 1e-5 * theirs.norm()


def test_the_heads_share_keys_as_they_would_in_a_plain_attention() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8)
    expected = functional.scaled_dot_product_attention(
        query, key.repeat_interleave(2, 1), value.repeat_interleave(2, 1), is_causal=True, scale=0.3
    )

    module: Any = None
    found, _ = attention.by_document(module, query, key, value, None, documents=(5,), scaling=0.3)

    assert torch.allclose(found, expected.transpose(1, 2), atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"documents": None},
        {"documents": (3, 3)},
        {"documents": (5,), "softcap": 30.0},
        {"documents": (5,), "is_causal": False},
    ],
)
def test_what_it_cannot_do_is_refused(options: dict[str, Any]) -> None:
    module: Any = None
    parts = torch.randn(3, 1, 2, 5, 8).unbind()

    with pytest.raises(ValueError, match="attention by document"):
        attention.by_document(module, *parts, None, **options)


def test_a_model_that_is_to_attend_otherwise_is_left_alone() -> None:
    model = small("llama")
    model.set_attn_implementation("eager")

    assert not attention.use(model)
    assert attention.arguments(model, DOCUMENTS) == {}


def test_it_can_be_given_up_again() -> None:
    model = small("llama")
    expected = logits_and_gradient(model)

    attention.use(model)
    attention.stop_using(model)

    assert torch.equal(logits_and_gradient(model)[0], expected[0])
