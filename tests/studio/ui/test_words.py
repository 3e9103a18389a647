"""Figures as a person reads them."""

from __future__ import annotations

import time

import pytest

from studio.ui import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (89, "89 seconds"),
        (180, "3 minutes"),
        (7_500, "2 h 5 min"),
        (200_000, "2 days"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 10, "0 %"),
        (1, 2, "50 %"),
        (34, 10_000, "0.34 %"),
        (1, 10**9, "less than 0.01 %"),
        (1, 0, "0 %"),
    ],
)
def test_shares(part: float, whole: float, said: str) -> None:
    assert words.share(part, whole) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(999_999, "999,999"), (134_515_008, "135 million"), (7_241_732_096, "7.2 billion")],
)
def test_large_counts(number: int, said: str) -> None:
    assert words.about(number) == said


def test_counts_have_their_plural() -> None:
    assert (words.count(1, "row"), words.count(1200, "row")) == ("1 row", "1,200 rows")


def test_running_time() -> None:
    assert (words.clock(249), words.clock(3753)) == ("4:09", "1:02:33")


def test_a_moment_of_today_is_a_time_and_an_older_one_has_its_day() -> None:
    assert len(words.moment(time.time())) == 5
    assert ", " in words.moment(time.time() - 400 * 86_400)
    assert words.moment(None) == ""
