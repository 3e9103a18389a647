"""The module tree: each linear layer in one place, named so that the name means it alone."""

from __future__ import annotations

from studio.methods import Base, Module
from studio.methods.module_tree import Leaf, module_tree
from studio.methods.targets import is_named


def base_of(*names: str) -> Base:
    """A base with modules of these names, 8 wide in and 4 out, their layer being the first number."""
    modules = tuple(
        Module(
            name,
            next((int(part) for part in name.split(".") if part.isdigit()), None),
            inputs=8,
            outputs=4,
            is_attention="attn" in name,
        )
        for name in names
    )
    return Base("any", "CAUSAL_LM", hidden=8, vocab=16, modules=modules)


def leaves(base: Base) -> dict[str, Leaf]:
    """Every leaf by branch and title."""
    return {
        f"{branch.title}/{leaf.title}": leaf
        for branch in module_tree(base)
        for leaf in branch.leaves
    }


LLAMA = base_of(
    *(f"model.layers.{n}.self_attn.{name}" for n in range(3) for name in ("q_proj", "o_proj")),
    *(f"model.layers.{n}.mlp.up_proj" for n in range(3)),
)


def test_layers_of_one_kind_are_one_leaf_with_their_count_and_weights() -> None:
    found = leaves(LLAMA)

    assert list(found) == ["self_attn/q_proj", "self_attn/o_proj", "mlp/up_proj"]
    up = found["mlp/up_proj"]
    assert (len(up.modules), up.weights, up.widths) == (3, 3 * 8 * 4, ((8, 4),))
    assert (found["self_attn/q_proj"].is_attention, up.is_attention) == (True, False)


def test_a_name_that_stands_in_two_places_is_told_apart_by_its_place() -> None:
    found = leaves(
        base_of("h.0.attn.c_proj", "h.1.attn.c_proj", "h.0.mlp.c_proj", "h.1.mlp.c_proj")
    )

    assert found["attn/c_proj"].targets == ("attn.c_proj",)
    assert found["mlp/c_proj"].targets == ("mlp.c_proj",)


def test_an_encoders_and_a_decoders_layers_of_one_name_are_named_whole() -> None:
    names = [f"{side}.block.{n}.attn.q" for side in ("encoder", "decoder") for n in range(2)]

    found = leaves(base_of(*names))

    assert found["encoder.attn/q"].targets == ("encoder.block.0.attn.q", "encoder.block.1.attn.q")
    assert set(found) == {"encoder.attn/q", "decoder.attn/q"}


def test_experts_are_one_leaf() -> None:
    names = [f"model.layers.{n}.mlp.experts.{e}.w1" for n in range(2) for e in range(4)]

    (leaf,) = leaves(base_of(*names)).values()

    assert (len(leaf.modules), leaf.targets) == (8, ("w1",))


def test_each_module_is_meant_by_its_own_leaf_alone() -> None:
    base = base_of(
        *("h.0.attn.c_proj", "h.0.mlp.c_proj", "h.0.mlp.c_fc", "head.proj"),
        *("h.1.attn.c_proj", "h.1.mlp.c_proj", "h.1.mlp.c_fc"),
    )

    meant = [
        module.name
        for leaf in leaves(base).values()
        for module in base.linear
        if is_named(module.name, leaf.targets)
    ]

    assert sorted(meant) == sorted(module.name for module in base.linear)


def test_layers_that_hold_several_in_one_say_so() -> None:
    found = leaves(
        base_of(
            "gpt_neox.layers.0.attention.query_key_value",
            "model.layers.1.self_attn.qkv_proj",
            "model.layers.1.mlp.gate_up_proj",
            "model.layers.1.mlp.down_proj",
        )
    )

    assert found["attention/query_key_value"].fused == "query, key and value in one"
    assert found["self_attn/qkv_proj"].fused == "query, key and value in one"
    assert found["mlp/gate_up_proj"].fused == "gate and up in one"
    assert found["mlp/down_proj"].fused == ""
