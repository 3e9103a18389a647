"""Plain controls: what is drawn of each kind of field."""

from __future__ import annotations

import re

import pytest

from studio.methods import METHODS
from studio.ui.form import Control, Kind, controls
from studio.ui.plain_controls import field_html, limits

LORA = {each.name: each for each in controls(METHODS["lora"].settings)}
SIZE = {each.name: each for each in controls(METHODS["oft"].settings)}["block_size"]


def test_a_number_says_its_limits_and_gives_them_to_the_browser() -> None:
    drawn = field_html(LORA["rank"], "lora-rank")

    assert 'type="number"' in drawn
    assert 'min="1" max="1024"' in drawn
    assert "1 to 1,024" in drawn
    assert "<code>rank</code>" in drawn


@pytest.mark.parametrize(
    ("name", "said"),
    [("rank", "1 to 1,024"), ("alpha", "above 0, up to 4,096"), ("dropout", "0, below 1")],
)
def test_limits_say_whether_the_limit_itself_can_be_used(name: str, said: str) -> None:
    assert limits(LORA[name]) == said


def test_sizes_that_can_be_used_are_the_only_ones_offered() -> None:
    drawn = field_html(SIZE, "oft-block_size", sizes=(2, 4, 8))

    assert re.findall(r'<option value="([^"]*)">([^<]*)', drawn) == [
        ("", "automatic"),
        ("2", "2"),
        ("4", "4"),
        ("8", "8"),
    ]


def test_a_problem_stands_at_its_field_and_stays_text() -> None:
    drawn = field_html(LORA["rank"], "lora-rank", problem="Found <0>.")

    assert '<p class="why bad" role="alert">Found &lt;0&gt;.</p>' in drawn


@pytest.mark.parametrize("name", [*METHODS])
def test_every_setting_is_drawn_with_its_title_and_a_name_to_read_it_by(name: str) -> None:
    for each in controls(METHODS[name].settings):
        if each.kind is Kind.PER_MODULE:
            continue
        drawn = field_html(each, f"{name}-{each.name}")

        assert f'data-name="{each.name}"' in drawn
        assert each.title.replace("'", "&#x27;") in drawn


def test_a_control_is_bound_to_its_title_and_its_help() -> None:
    switch, number = (field_html(LORA[name], f"lora-{name}") for name in ("dora", "rank"))

    assert 'for="lora-rank-input"' in number
    assert 'aria-describedby="lora-rank-about"' in number
    assert re.search(r'<label class="switch"><input type="checkbox"[^>]*><span>', switch)


def test_a_field_without_limits_says_none() -> None:
    assert limits(Control("x", "X", "", Kind.NUMBER, 1.0)) == ""
