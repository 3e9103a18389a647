"""Every method declares itself wholly."""

import json

import pytest

from studio.cli.commands.methods import _document
from studio.methods import METHODS, Method


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
