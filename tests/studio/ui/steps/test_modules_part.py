"""Which modules and layers learn: the tree with its counts."""

from __future__ import annotations

import html
import re

from studio.methods import METHODS, Base, Module
from studio.ui.form import Kind, controls
from studio.ui.steps.modules_part import layers_html, targets_html

LORA = {each.name: each for each in controls(METHODS["lora"].settings)}
PATTERNS = [each for each in LORA.values() if each.kind is Kind.PER_MODULE]
MODULES = tuple(
    Module(f"model.layers.{n}.{part}", n, inputs=8, outputs=4, is_attention="attn" in part)
    for n in range(3)
    for part in ("self_attn.qkv_proj", "mlp.up_proj")
)
BASE = Base("phi3", "CAUSAL_LM", hidden=8, vocab=16, modules=MODULES)


def text(markup: str) -> str:
    """What a person reads."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))


def test_every_kind_of_module_has_a_row_with_its_count_and_widths() -> None:
    said = text(targets_html(LORA["targets"], "lora-targets", BASE, MODULES, PATTERNS))

    assert "6 of 6 linear layers, 100 % of their 192 weights, take part." in said
    assert "qkv_proj query, key and value in one 3 8 → 4 96" in said
    assert "up_proj 3 8 → 4 96" in said
    assert "Own rank Own alpha" in said


def test_what_does_not_learn_is_counted_so() -> None:
    learning = [each for each in MODULES if each.is_attention and each.layer != 0]

    drawn = targets_html(LORA["targets"], "lora-targets", BASE, learning)

    assert "2 of 6 linear layers" in text(drawn)
    assert "qkv_proj query, key and value in one 2 of 3" in text(drawn)
    assert re.findall(r'data-learns="(\w+)"', drawn) == ["some", "none"]


def test_names_are_typed_where_the_model_is_not_known_yet() -> None:
    drawn = targets_html(LORA["targets"], "lora-targets", None, ())

    assert 'class="typed"' in drawn
    assert "<table" not in drawn


def test_layers_end_where_the_models_do() -> None:
    assert "layers 0 to 2" in layers_html(LORA["layers"], "lora-layers", BASE)
    assert "max" not in layers_html(LORA["layers"], "lora-layers", None)
