"""Every method declares itself wholly."""

import json

import pytest

from studio.cli.commands.methods import _document
from studio.errors import AskedWrongly
from studio.methods import METHODS, Method
from studio.spec import TrainSpec


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_says_what_it_is_and_what_each_setting_does(method: Method) -> None:
    assert method.title
    assert method.sentence.endswith(".")
    assert len(method.paragraph) > len(method.sentence)
    for name, field in method.settings.model_fields.items():
        assert field.title, name
        assert field.description, name
        assert {"unit", "cost", "level"} == set(field.json_schema_extra or {}) - {
            "picks",
            "memory",
        }, name


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_method_can_be_written_as_json(method: Method) -> None:
    assert json.loads(json.dumps(_document(method)))["name"] == method.name


@pytest.mark.parametrize("name", [name for name, each in METHODS.items() if not each.packs])
def test_packing_with_a_method_that_needs_lines_of_their_own_is_no_spec(name: str) -> None:
    with pytest.raises(AskedWrongly) as refused:
        TrainSpec.parse({"method": name, "training": {"packing": "on"}})

    (problem,) = refused.value.fields
    assert problem.field == "training.packing"
    assert problem.words == (
        f'{METHODS[name].title} needs each row in a line of its own: use "auto" or "off".'
    )


@pytest.mark.parametrize("name", [name for name, each in METHODS.items() if not each.packs])
def test_rows_are_not_packed_for_it_where_nothing_is_said(name: str) -> None:
    assert not TrainSpec.parse({"method": name}).may_pack
