"""The output layer and its cross-entropy as one: the numbers of both, one after the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from studio.training import head
from studio.training.batching import IGNORED
from studio.training.head import Deferred

WIDTH, WORDS, POSITIONS = 6, 11, 150


def given(dtype: torch.dtype = torch.float32, **options: Any) -> tuple[list[Tensor], Tensor]:
    """Hidden states, weight and bias, all asking for gradients, and targets with some ignored."""
    torch.manual_seed(0)
    hidden = 3 * torch.randn(2, POSITIONS, WIDTH)
    tensors = [hidden, torch.randn(WORDS, WIDTH), torch.randn(WORDS)]
    targets = torch.randint(WORDS, (2, POSITIONS))
    targets[0, ::7] = IGNORED
    return [tensor.to(dtype).requires_grad_(True) for tensor in tensors], targets


def plain(hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Logits, then their cross-entropy."""
    logits = functional.linear(hidden, weight, bias).flatten(0, 1).float()
    return functional.cross_entropy(
        logits, targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three blocks, the last of them short."""
    monkeypatch.setattr(head, "_BLOCK", {"cpu": 128 * WORDS})


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("trains_weight", [True, False])
def test_loss_and_gradients_are_those_of_the_two_one_after_the_other(trains_weight: bool) -> None:
    (hidden, weight, bias), targets = given()
    weight.requires_grad_(trains_weight)
    bias = bias.detach()
    wanted = [hidden, weight] if trains_weight else [hidden]
    expected = plain(hidden, weight, bias, targets)
    their_gradients = torch.autograd.grad(expected / 7, wanted)

    found = Deferred(hidden, weight, bias).cross_entropy_sum(targets)
    our_gradients = torch.autograd.grad(found / 7, wanted)

    assert torch.allclose(found, expected, rtol=1e-6)
    for ours, theirs in zip(our_gradients, their_gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_without_gradients_only_the_loss_is_made() -> None:
    (hidden, weight, _), targets = given()

    with torch.no_grad():
        found = Deferred(hidden, weight, None).cross_entropy_sum(targets)

    assert torch.allclose(found, plain(hidden, weight, None, targets))
    assert not found.requires_grad


def test_in_low_precision_it_is_no_further_off_than_the_plain_way() -> None:
    (hidden, weight, _), targets = given()
    (exact,) = torch.autograd.grad(plain(hidden, weight, None, targets), hidden)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (theirs,) = torch.autograd.grad(plain(hidden, weight, None, targets), hidden)
        (ours,) = torch.autograd.grad(
            Deferred(hidden, weight, None).cross_entropy_sum(targets), hidden
        )

    assert (ours - exact).abs().max() <= 1.5 * (theirs - exact).abs().max()


def test_huge_logits_do_not_overflow() -> None:
    (hidden, weight, _), targets = given()

    found = Deferred(1e4 * hidden, weight, None).cross_entropy_sum(targets)

    assert torch.isfinite(found)
    assert torch.allclose(found, plain(1e4 * hidden, weight, None, targets), rtol=1e-6)


def small(kind: str, **options: Any) -> Any:
    """A small random model of a kind."""
    sizes = {
        "vocab_size": 40,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
    }
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes | options))


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma", "gpt_neox"])
def test_most_models_give_what_their_output_layer_gives(kind: str) -> None:
    assert head.can_defer(small(kind))


@pytest.mark.parametrize(
    ("kind", "options"),
    [("cohere", {}), ("granite", {"logits_scaling": 4.0}), ("gemma2", {"head_dim": 8})],
)
def test_one_that_scales_or_caps_its_logits_computes_them_itself(
    kind: str, options: dict[str, Any]
) -> None:
    assert not head.can_defer(small(kind, **options))


def test_an_output_layer_of_another_kind_computes_its_logits_itself() -> None:
    model = small("llama")
    model.lm_head = nn.Sequential(model.lm_head)

    assert not head.can_defer(model)
