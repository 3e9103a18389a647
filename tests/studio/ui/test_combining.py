"""Combining from the page: weights as a person types them, in words where they do not match."""

from __future__ import annotations

import pytest

from studio.errors import AskedWrongly
from studio.ui.combining import weights_of


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", {3: 0.5, 7: 0.5}),
        ("0.25, 0.75", {3: 0.25, 7: 0.75}),
        ("1 -0.5", {3: 1.0, 7: -0.5}),
        (" 2;3 ", {3: 2.0, 7: 3.0}),
    ],
)
def test_weights_are_taken_in_the_order_of_the_trainings(
    said: str, found: dict[int, float]
) -> None:
    assert weights_of(["3", "7"], said) == found


@pytest.mark.parametrize(
    ("said", "words"), [("half", "are no weights"), ("1", "2 trainings and 1 weights")]
)
def test_what_does_not_match_is_said(said: str, words: str) -> None:
    with pytest.raises(AskedWrongly, match=words):
        weights_of(["3", "7"], said)
