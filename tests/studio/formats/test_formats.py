"""Every format says what it is for."""

import pytest

from studio.formats import FORMATS, Format


@pytest.mark.parametrize("chosen", FORMATS.values(), ids=FORMATS)
def test_a_format_says_what_it_is_and_opens_with(chosen: Format) -> None:
    assert chosen.title
    assert chosen.sentence.endswith(".")
    assert chosen.opens_with
    for name, field in chosen.settings.model_fields.items():
        assert field.title, name
        assert field.description, name
