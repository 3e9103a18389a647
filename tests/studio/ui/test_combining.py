"""Combining from the page: weights as a person types them, in words where they do not match."""

from __future__ import annotations

import pytest

from studio.errors import AskedWrongly
from studio.ui.combining import rank_of, weights_of


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


@pytest.mark.parametrize(("said", "found"), [("", None), ("  ", None), ("8", 8), (" 16 ", 16)])
def test_a_rank_that_is_left_empty_means_the_exact_sum(said: str, found: int | None) -> None:
    assert rank_of(said) == found


@pytest.mark.parametrize("said", ["0", "-3", "eight", "1.5"])
def test_what_is_no_rank_is_said(said: str) -> None:
    with pytest.raises(AskedWrongly, match=r"is no rank\. Type a whole number from 1"):
        rank_of(said)
