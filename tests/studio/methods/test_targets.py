"""Targets: which modules of a base two settings name."""

from __future__ import annotations

import pytest

from studio.errors import AskedWrongly
from studio.methods import Base, Module
from studio.methods.base import common_divisors
from studio.methods.low_rank import Settings
from studio.methods.targets import choose

MODULES = [
    Module(f"model.layers.{layer}.{part}.{name}", layer, is_attention=part == "self_attn")
    for layer in range(4)
    for part, name in (("self_attn", "q_proj"), ("self_attn", "v_proj"), ("mlp", "up_proj"))
]
BASE = Base("llama", "CAUSAL_LM", hidden=8, vocab=16, modules=tuple(MODULES))


def chosen(**settings: object) -> list[str]:
    """Names of the modules that settings choose."""
    return [module.name for module in choose(Settings.model_validate(settings), BASE)]


def test_all_linear_takes_every_module() -> None:
    assert chosen() == [module.name for module in MODULES]


def test_attention_takes_the_attention_modules_only() -> None:
    assert {name.rpartition(".")[2] for name in chosen(targets="attention")} == {"q_proj", "v_proj"}


def test_the_last_layers_and_listed_layers_are_taken() -> None:
    assert {name.split(".")[2] for name in chosen(layers={"last": 2})} == {"2", "3"}
    assert {name.split(".")[2] for name in chosen(layers=[0, 3])} == {"0", "3"}


def test_a_name_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(AskedWrongly, match=r"'up_porj'\. Did you mean 'up_proj'.*q_proj, up_proj"):
        chosen(targets=["q_proj", "up_porj"])


def test_a_layer_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(AskedWrongly, match="0 to 3"):
        chosen(layers=[4])


def test_common_divisors_divide_both_widths_of_every_module() -> None:
    modules = [Module("a", 0, inputs=12, outputs=18), Module("b", 0, inputs=24, outputs=6)]

    assert common_divisors(modules, at_most=4) == (1, 2, 3)
    assert common_divisors([], at_most=4) == ()
