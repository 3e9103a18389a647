"""Computing layers twice: not a bit of the gradients changes, and only the layers that were asked for do it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForSeq2SeqLM

from studio.spec import TrainSpec
from studio.training import adapters, loading
from studio.training.recomputing import recompute, recomputed
from tests import tiny

IDS = torch.tensor([[4, 5, 6, 7]])


@pytest.fixture(scope="module")
def five_layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of five layers."""
    return tiny.make_model(tmp_path_factory.mktemp("five") / "model", layers=5)


def lora(source: Path, **settings: Any) -> nn.Module:
    """The model with LoRA on it, training."""
    spec = TrainSpec.parse({"method": {"name": "lora", **settings}})
    base = loading.load_base(source, torch.float32)
    return adapters.attach(base, spec.method, seed=0).train()


def gradients(model: nn.Module) -> list[torch.Tensor]:
    """What a step gives everything that trains; dropout draws the same numbers each time."""
    torch.manual_seed(0)
    model(input_ids=IDS, labels=IDS, use_cache=False).loss.backward()
    return [value.grad for value in model.parameters() if value.grad is not None]


def passes(model: nn.Module, layers: list[nn.Module]) -> list[int]:
    """How often each layer computed in a step."""
    seen: Counter[int] = Counter()
    for number, layer in enumerate(layers):
        part = next(each for each in layer.modules() if not list(each.children()))
        part.register_forward_pre_hook(lambda *_, number=number: seen.update([number]))
    gradients(model)
    return [seen[number] for number in range(len(layers))]


@pytest.mark.parametrize("share", [0.4, 0.5, 1.0])
@pytest.mark.parametrize(
    "settings", [{"dropout": 0.3}, {"layers": {"last": 2}}], ids=["dropout", "upper layers"]
)
def test_the_gradients_are_the_same_bit_for_bit(
    five_layers: Path, settings: dict[str, Any], share: float
) -> None:
    kept = gradients(lora(five_layers, **settings))
    model = lora(five_layers, **settings)
    recompute(model, share)

    found = gradients(model)

    assert len(found) == len(kept) > 0
    assert all(map(torch.equal, kept, found))


def test_full_fine_tuning_gets_the_same_gradients_too(five_layers: Path) -> None:
    whole, half = (loading.load_base(five_layers, torch.float32).train() for _ in range(2))
    recompute(half, 0.5)

    assert all(map(torch.equal, gradients(whole), gradients(half)))


@pytest.mark.parametrize(("share", "twice"), [(0.0, 0), (0.2, 1), (0.5, 3), (1.0, 5)])
def test_the_first_layers_compute_twice_and_the_others_once(
    five_layers: Path, share: float, twice: int
) -> None:
    model: Any = lora(five_layers)
    recompute(model, share)

    assert passes(model, list(model.base_model.model.model.layers)) == [2] * twice + [1] * (
        5 - twice
    )


def test_an_encoder_and_a_decoder_have_their_share_each(tmp_path: Path) -> None:
    source = tiny.make_encoder_decoder(tmp_path / "t5", layers=2)
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(source).train()
    recompute(model, 0.5)

    assert passes(model, [*model.encoder.block, *model.decoder.block]) == [2, 1, 2, 1]


def test_frozen_layers_below_the_trained_ones_are_left_out_of_the_way_back(
    five_layers: Path,
) -> None:
    model: Any = lora(five_layers, layers={"last": 2})
    recompute(model)

    assert passes(model, list(model.base_model.model.model.layers)) == [1, 1, 1, 2, 2]


def test_of_an_odd_number_of_layers_the_middle_one_computes_twice_as_well() -> None:
    assert [recomputed(depth, 0.5) for depth in (1, 2, 3, 30)] == [1, 1, 2, 15]
