"""Ranks: one that no layer has room for is refused at its field, in words, before anything is built."""

from __future__ import annotations

from typing import Any

import pytest

from studio.errors import AskedWrongly
from studio.methods import METHODS, Base, Module
from studio.spec import TrainSpec
from studio.training.survey import survey
from studio.ui.draft import Draft
from studio.ui.steps import settings_part
from tests.studio.training.axes import ARCHITECTURES
from tests.studio.training.tuners import models

# A layer of 32 numbers with narrower keys and values, and 80 between.
SHAPES = {
    "self_attn.q_proj": (32, 32),
    "self_attn.k_proj": (32, 16),
    "self_attn.v_proj": (32, 16),
    "self_attn.o_proj": (32, 32),
    "mlp.up_proj": (32, 80),
    "mlp.down_proj": (80, 32),
}
BASE = Base(
    "llama",
    "CAUSAL_LM",
    hidden=32,
    vocab=512,
    modules=tuple(
        Module(
            f"model.layers.{layer}.{name}",
            layer,
            inputs=inputs,
            outputs=outputs,
            is_attention="attn" in name,
        )
        for layer in range(2)
        for name, (inputs, outputs) in SHAPES.items()
    ),
)
# The highest rank on these layers: the largest of their smaller widths, unless said otherwise.
MOST = {
    **dict.fromkeys(("lora", "qlora", "adalora", "loha", "hira", "randlora", "gralora"), 32),
    **dict.fromkeys(("delora", "deft", "glora", "vblora", "unilora", "tinylora"), 32),
    # As many main directions as the narrowest has, as many parts as it has inputs.
    "psoft": 16,
    "miss": 32,
    # Reflections of, or inner numbers for, the 80 inputs of the widest.
    "hra": 80,
    "peanut": 80,
    # 32 · 16 weights, of which 10 (32 + 16) train.
    "shira": 10,
}
# Methods whose rank may be above every width, and what it is there.
FREE = {
    "vera": "frozen and shared; a number trains for each, whatever the layers' widths (arXiv:2310.11454)",
    "pvera": "as VeRA's",
    "lokr": "the rank from which on a factor is kept whole (LyCORIS, arXiv:2309.14859)",
    "lily": "its second halves are shared by all layers, which can use different parts of a wide one",
}
FIELDS = {"adalora": "start_rank"}


def told(method: str, settings: Any, base: Base = BASE) -> AskedWrongly | str | None:
    """What the method says of these settings on a base."""
    chosen = METHODS[method]
    try:
        return chosen.why_not(chosen.settings.model_validate(settings), base)
    except AskedWrongly as error:
        return error


@pytest.mark.parametrize("method", MOST)
def test_a_rank_that_no_layer_has_room_for_is_refused_at_its_field(method: str) -> None:
    field = FIELDS.get(method, "rank")

    refused = told(method, {field: MOST[method] + 2})

    assert isinstance(refused, AskedWrongly)
    assert refused.words.startswith(f"A rank of {MOST[method] + 2} is too high for this model: ")
    assert refused.words.endswith(f" Use at most {MOST[method]}.")
    assert [each.field for each in refused.fields] == [f"method.{field}"]


@pytest.mark.parametrize("method", MOST)
def test_the_highest_rank_that_has_room_is_taken(method: str) -> None:
    assert told(method, {FIELDS.get(method, "rank"): MOST[method]}) is None


def test_every_method_with_a_rank_is_one_or_the_other() -> None:
    with_a_rank = {name for name, each in METHODS.items() if "rank" in each.settings.model_fields}

    assert with_a_rank == MOST.keys() | FREE.keys()
    for name in FREE:
        assert told(name, {"rank": 1024}) is None


def test_a_rank_of_single_modules_is_held_against_those_modules() -> None:
    on_keys = told("lora", {"rank_pattern": {"q_proj": 24, "k_proj": 24}})

    assert isinstance(on_keys, AskedWrongly)
    assert "Use at most 16." in on_keys.words
    assert [each.field for each in on_keys.fields] == ["method.rank_pattern"]
    assert told("lora", {"rank_pattern": {"q_proj": 24}}) is None


def test_only_the_layers_that_learn_count() -> None:
    assert isinstance(told("lora", {"rank": 17, "targets": ["k_proj", "v_proj"]}), AskedWrongly)
    assert told("lora", {"rank": 16, "targets": ["k_proj", "v_proj"]}) is None


def test_the_page_says_it_at_the_field() -> None:
    draft = Draft(method="adalora", settings={"adalora": {"start_rank": 900}})

    problems = settings_part.fit(draft, BASE).problems or {}

    assert problems.keys() == {"start_rank"}
    assert problems["start_rank"].startswith("A rank of 900 is too high")


def test_the_model_is_never_built_with_it() -> None:
    with pytest.raises(AskedWrongly, match="A rank of 1024 is too high for this model"):
        models.adapted("llama", {"name": "lora", "rank": 1024})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_ordinary_ranks_have_room_on_every_architecture(architecture: str) -> None:
    head = models.head_of(architecture)
    base = survey(models.base(architecture), head)

    for name in MOST.keys() | FREE.keys():
        for rank in (4, 16):
            choice = TrainSpec.parse({"method": {"name": name, "rank": rank}}).method
            assert not isinstance(told(name, choice.settings, base), AskedWrongly)
