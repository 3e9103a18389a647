"""What a role takes from a row: a cell, a value inside it, a template's text."""

from __future__ import annotations

from typing import Any

import pytest

from studio.data.cells import Unusable, has_column, is_template, names_in, text, value

ROW: dict[str, Any] = {"text": " Hallo ", "language": "English", "n": 3, "a": {"b": {"c": "deep"}}}


def test_a_template_is_filled_with_the_cells_texts() -> None:
    assert value(ROW, "Translate {text} into {language}, {n} times") == (
        "Translate Hallo into English, 3 times"
    )


def test_a_template_of_nothing_is_nothing() -> None:
    assert value({"text": " ", "language": None}, "Translate {text} into {language}") == ""


def test_a_column_whose_name_has_braces_is_a_column() -> None:
    assert value({"{x}": "cell"}, "{x}") == "cell"
    assert not is_template("{x}", ["{x}"])
    assert is_template("{x}", ["x"])
    assert names_in("{text} and {n}", ["text", "n"]) == ["text", "n"]


def test_a_value_inside_an_object_is_found_by_its_path() -> None:
    assert value(ROW, "a.b.c") == "deep"
    assert value({"a": '{"b": ["only"]}'}, "a.b") == "only"
    assert value(ROW, "a.x.c") is None
    assert has_column("a.b.c", ["a"])
    assert not has_column("b.c", ["a"])


@pytest.mark.parametrize(
    ("cell", "expected"), [(None, ""), (4, "4"), (True, "true"), (" \u200b", "")]
)
def test_every_simple_cell_has_a_text(cell: Any, expected: str) -> None:
    assert text(cell) == expected


@pytest.mark.parametrize("cell", [[], {}, ["a"]])
def test_a_list_or_an_object_has_none(cell: Any) -> None:
    with pytest.raises(Unusable):
        text(cell)
