"""What a method is said not to be able to do, it truly cannot: forced, it fails or gives something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from studio.errors import AskedWrongly
from studio.methods import METHODS
from studio.methods.method import FEW_BITS
from studio.spec import TrainSpec
from studio.training import adapters, probe
from studio.training.recomputing import recompute
from tests.studio.training.tuners.models import adapted, base, gradients, small


def those_without(flag: str) -> list[str]:
    return [name for name, method in METHODS.items() if not getattr(method, flag)]


def forced(name: str, **flags: Any) -> Any:
    """The method's choice with its flags set otherwise."""
    choice = TrainSpec.parse({"method": small(name)}).method
    held = replace(choice.method, **flags)
    return type("Forced", (), {"name": name, "method": held, "settings": choice.settings})()


@pytest.mark.parametrize("name", those_without("packs"))
def test_rows_that_shared_a_line_would_be_other_rows(name: str) -> None:
    assert not probe.can_pack(adapted("llama", small(name)), 100)


@pytest.mark.parametrize("name", those_without("recomputes"))
def test_recomputed_activations_would_fail(name: str) -> None:
    model = adapted("llama", name)
    recompute(model, 1.0)

    with pytest.raises(RuntimeError, match="size of tensor"):
        gradients(model, "llama")


@pytest.mark.parametrize("name", those_without("takes_conv1d"))
@pytest.mark.some(6)
def test_gpt2s_layers_are_refused_by_the_library_or_learn_nothing(name: str) -> None:
    with pytest.raises((AskedWrongly, RuntimeError), match=r"not support|not a plain|grad"):
        gradients(adapters.attach(base("gpt2"), forced(name, takes_conv1d=True), seed=0), "gpt2")


@pytest.mark.parametrize(
    "name", [name for name in those_without("quantizations") if name != "full"]
)
def test_a_base_in_few_bits_is_refused_by_the_library(name: str) -> None:
    with pytest.raises(AskedWrongly, match="not a plain"):
        adapters.attach(base("llama", "nf4"), forced(name, quantizations=FEW_BITS), seed=0)


def test_what_is_held_in_few_bits_is_no_parameter_that_full_fine_tuning_could_train() -> None:
    model = base("llama", "nf4")
    held = {name for name, _ in model.named_parameters()}

    assert not any("q_proj" in name for name in held)
    assert isinstance(model.get_submodule("model.layers.0.self_attn.q_proj").weight, torch.Tensor)
