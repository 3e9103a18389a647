"""Hours of the day, over midnight too."""

from __future__ import annotations

import time

import pytest

from jobs.errors import BadJob
from jobs.hours import Hours


def at(hour: int, minute: int = 0) -> float:
    """A moment of some day at that local time."""
    return time.mktime((2026, 3, 4, hour, minute, 0, 0, 0, -1))


@pytest.mark.parametrize(
    ("text", "within", "without"),
    [
        ("22:00-06:00", [at(22), at(23, 59), at(0), at(5, 59)], [at(6), at(12), at(21, 59)]),
        ("9:30-17:00", [at(9, 30), at(16, 59)], [at(9, 29), at(17), at(0)]),
    ],
)
def test_a_moment_lies_within_or_not(text: str, within: list[float], without: list[float]) -> None:
    hours = Hours.parse(text)
    assert all(map(hours.allow, within))
    assert not any(map(hours.allow, without))


def test_hours_are_written_in_one_form() -> None:
    assert str(Hours.parse(" 9:05 - 7:00 ")) == "09:05-07:00"


@pytest.mark.parametrize("text", ["night", "25:00-06:00", "22:00", "22:60-01:00", "06:00-06:00"])
def test_what_is_no_time_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadJob, match=r"hours|begins when it ends"):
        Hours.parse(text)
