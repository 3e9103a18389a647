"""Forms: a control for every setting there is, and its value back as the spec wants it."""

from __future__ import annotations

from typing import Any, Literal

import pydantic
import pytest
from pydantic import Field

from studio.formats import FORMATS
from studio.methods import METHODS
from studio.spec import Training, TrainSpec
from studio.ui.form import Control, Kind, control, controls, values

LORA = {each.name: each for each in controls(METHODS["lora"].settings)}


class Example(pydantic.BaseModel):
    """One field of each kind."""

    whole: int = Field(3, title="Whole", description="A count.", json_schema_extra={"unit": "rows"})
    number: float | None = None
    switch: bool = False
    choice: Literal["a", "b"] = "a"
    opened: Literal["all"] | tuple[str, ...] = "all"
    text: str = ""
    per_module: dict[str, int] = {}


def of_example(name: str) -> Control:
    """The control of one of the example's fields."""
    return control(name, Example.model_fields[name])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("whole", Kind.WHOLE_NUMBER),
        ("number", Kind.NUMBER),
        ("switch", Kind.SWITCH),
        ("choice", Kind.CHOICE),
        ("opened", Kind.OPEN_CHOICE),
        ("text", Kind.TEXT),
        ("per_module", Kind.PER_MODULE),
    ],
)
def test_each_kind_of_field_has_its_control(name: str, kind: Kind) -> None:
    assert of_example(name).kind is kind


def test_a_type_without_a_control_is_named_when_the_form_is_made() -> None:
    class Odd(pydantic.BaseModel):
        field: list[int] = []

    with pytest.raises(TypeError, match="'field'"):
        controls(Odd)


def test_plain_words_come_first_and_the_fields_term_beside_them() -> None:
    whole = of_example("whole")

    assert whole.title == "Whole"
    assert whole.help == "`whole` (rows) · A count"


@pytest.mark.parametrize("name", [*METHODS])
def test_every_method_has_a_form_whose_untouched_values_are_its_defaults(name: str) -> None:
    these = controls(METHODS[name].settings)
    shown = {each.name: each.to_shown(each.default) for each in these}

    spec = TrainSpec.parse({"method": {"name": name, **values(these, shown)}})

    assert spec.method.settings == METHODS[name].settings()


@pytest.mark.parametrize("name", [*FORMATS])
def test_every_format_has_a_form(name: str) -> None:
    these = controls(FORMATS[name].settings)
    shown = {each.name: each.to_shown(each.default) for each in these}

    assert FORMATS[name].settings(**values(these, shown)) == FORMATS[name].settings()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("all", "all"),
        ("last 4", {"last": 4}),
        ("Last: 4", {"last": 4}),
        ('{"last": 4}', {"last": 4}),
        ("0, 2, 5", [0, 2, 5]),
        ("7", [7]),
        ("[1, 2]", [1, 2]),
    ],
)
def test_layers_can_be_typed_as_a_person_would(typed: str, value: Any) -> None:
    assert LORA["layers"].to_json(typed) == value


def test_module_names_can_be_typed_with_commas() -> None:
    assert LORA["targets"].to_json("q_proj, v_proj") == ["q_proj", "v_proj"]


@pytest.mark.parametrize("typed", ["all", "last 4", "0, 2, 5"])
def test_what_was_typed_comes_back_the_same_after_a_reload(typed: str) -> None:
    layers = LORA["layers"]

    assert layers.to_shown(layers.to_json(typed)) == typed


def test_a_field_left_empty_takes_its_default() -> None:
    assert values(controls(Example), {"whole": None, "text": ""}) == {}


def test_a_fraction_where_a_whole_number_is_wanted_is_left_for_the_spec_to_refuse() -> None:
    assert of_example("whole").to_json(4.0) == 4
    assert of_example("whole").to_json(4.5) == 4.5


def test_the_limits_of_a_field_are_its_declarations() -> None:
    rank, alpha, dropout, plus = (LORA[name] for name in ("rank", "alpha", "dropout", "plus_ratio"))

    assert (rank.minimum, rank.maximum) == (1, 1024)
    assert (alpha.minimum, alpha.is_open_below, alpha.maximum) == (0, True, 4096)
    assert (dropout.maximum, dropout.is_open_above) == (1, True)
    assert (plus.minimum, plus.maximum) == (1, 64)
    assert LORA["init"].minimum is None


def test_numbers_of_single_modules_are_kept_by_name_and_left_out_where_there_are_none() -> None:
    per_module = of_example("per_module")

    assert per_module.to_json({"q_proj": 4}) == {"q_proj": 4}
    assert per_module.to_json({}) is None
    assert per_module.to_shown({"q_proj": 4}) == {"q_proj": 4}


def test_what_only_a_spec_can_say_is_not_offered() -> None:
    scheduler = control("scheduler", Training.model_fields["scheduler"])

    assert scheduler.choices == ("cosine", "linear", "constant")
