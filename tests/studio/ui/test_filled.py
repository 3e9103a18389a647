"""The filled form: what the controls show of a draft makes the same draft again."""

from __future__ import annotations

import pytest

from studio.methods import METHODS
from studio.ui.draft import Draft
from studio.ui.filled import draft_of, field_value
from studio.ui.form import controls
from tests.studio.ui.forms import laid_out


def names() -> list[str]:
    """The names of the form's fields, without the columns, which come with the data."""
    return [name for name in laid_out().components if not name.startswith("columns.")]


@pytest.mark.parametrize("name", [*METHODS])
def test_a_methods_settings_come_back_as_they_were_shown(name: str) -> None:
    these = controls(METHODS[name].settings)
    settings = {each.name: each.to_json(each.to_shown(each.default)) for each in these}
    kept = {key: value for key, value in settings.items() if value is not None}
    draft = Draft(method=name, settings={name: kept})

    again = draft_of({key: field_value(draft, key) for key in names()})

    assert again.settings == draft.settings
    assert again.to_spec() == draft.to_spec()


def test_an_upload_that_is_gone_is_left_out() -> None:
    assert draft_of({"data_upload": "/nowhere/x.csv", "settings": "{}"}).data_upload == ""
