"""The settings of the chosen method: drawn from its declaration, held against the model."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from studio.methods import METHODS, Base, Module
from studio.ui.draft import Draft
from studio.ui.form import Kind, controls
from studio.ui.steps import settings_part

MODULES = tuple(
    Module(f"model.layers.{n}.{part}", n, inputs=96, outputs=96, is_attention="attn" in part)
    for n in range(2)
    for part in ("self_attn.q_proj", "mlp.up_proj")
)
BASE = Base("llama", "CAUSAL_LM", hidden=96, vocab=16, modules=MODULES)


def drawn(method: str, base: Base | None = BASE, quantization: str = "", **settings: object) -> str:
    """The form's HTML."""
    draft = Draft(method=method, settings={method: settings}, quantization=quantization)
    return settings_part.form_html(draft, base)


def alerts(markup: str) -> list[str]:
    """What it warns of, in words."""
    found = re.findall(r'role="alert">(.*?)</(?:p|div)>', markup, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", each)) for each in found]


@pytest.mark.parametrize("name", [*METHODS])
def test_every_setting_of_every_method_has_a_control(name: str) -> None:
    markup = drawn(name)

    for each in controls(METHODS[name].settings):
        kind = "data-pattern" if each.kind is Kind.PER_MODULE else "data-name"
        assert f'{kind}="{each.name}"' in markup


@pytest.mark.parametrize("name", [*METHODS])
def test_what_an_untouched_form_says_is_the_defaults(name: str) -> None:
    (values,) = re.findall(r'data-values="([^"]*)"', drawn(name))

    said = json.dumps({name: json.loads(html.unescape(values))})

    settings = settings_part.of_json(said)[name]
    assert METHODS[name].settings.model_validate(settings) == METHODS[name].settings()


def test_what_was_said_of_other_methods_is_kept() -> None:
    said = json.dumps({"lora": {"rank": 4}, "oft": {"block_size": 8}})

    value = settings_part.shown(
        Draft(method="oft", settings=settings_part.of_json(said)), None, said
    )

    assert (value["all"], value["of"]) == ({"lora": {"rank": 4}, "oft": {"block_size": 8}}, said)


def test_a_setting_that_cannot_be_used_is_refused_at_its_control() -> None:
    markup = drawn("lora", rank=0)

    assert alerts(markup) == ["Found 0; expected at least 1."]
    assert 'class="field wrong" id="lora-rank"' in markup


def test_sizes_are_those_that_divide_this_models_widths() -> None:
    markup = drawn("oft")

    (options,) = re.findall(r'<select data-kind="number".*?</select>', markup)
    sizes = [int(size) for size in re.findall(r'<option value="(\d+)"', options)]
    assert sizes == [size for size in range(2, 97) if 96 % size == 0]


def test_a_size_that_does_not_divide_is_refused_with_those_that_do() -> None:
    (said,) = alerts(drawn("oft", block_size=7))

    assert "7 does not divide" in said
    assert "2, 3, 4, 6" in said


def test_a_module_that_is_not_there_is_refused_with_the_nearest() -> None:
    (said,) = alerts(drawn("lora", targets=["up_porj"]))

    assert "Did you mean 'up_proj'?" in said


def test_a_method_that_needs_the_whole_weights_is_refused_on_few_bits() -> None:
    (said,) = alerts(drawn("full", quantization="nf4"))

    assert said.startswith("Full fine-tuning cannot be used here:")


def test_what_speaks_against_a_pattern_stands_at_the_modules() -> None:
    markup = drawn("lora", rank_pattern={"q_proj": 0})

    assert 'class="field wide wrong" id="lora-targets"' in markup


def test_nothing_of_the_model_is_claimed_before_it_is_known() -> None:
    markup = drawn("oft", base=None)

    assert "linear layers," not in markup
    assert 'type="number"' in markup


def test_biases_that_this_model_does_not_have_are_counted_before_they_are_added() -> None:
    said = "Adds 4 biases that this model does not have: 384 numbers, all 0 at first."
    with_biases = replace(BASE, modules=tuple(replace(each, has_bias=True) for each in MODULES))

    assert said in drawn("bitfit")
    assert "Adds 2 biases" in drawn("bitfit", layers=[1])
    assert "this model does not have" not in drawn("bitfit", with_biases)
    assert "this model does not have" not in drawn("bitfit", base=None)


def test_a_range_that_ends_behind_the_last_layer_is_refused_at_its_control() -> None:
    (said,) = alerts(drawn("lora", layers=[*range(1, 2002)]))

    assert said == "Layer 2001 was chosen, but this model has 2 layers, 0 to 1."
