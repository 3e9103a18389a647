"""Moments as people write them."""

from __future__ import annotations

from datetime import datetime

import pytest

from jobs.errors import BadJob
from jobs.moments import parse_moment, written

NOW = datetime(2026, 11, 25, 20, 30).timestamp()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("22:00", datetime(2026, 11, 25, 22, 0)),
        ("20:30", datetime(2026, 11, 26, 20, 30)),
        (" 6:05 ", datetime(2026, 11, 26, 6, 5)),
        ("2026-12-24", datetime(2026, 12, 24)),
        ("2026-12-24 18:00", datetime(2026, 12, 24, 18, 0)),
        ("2026-12-24T18:00", datetime(2026, 12, 24, 18, 0)),
    ],
)
def test_a_moment_is_read_in_local_time(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment.timestamp()
    assert parse_moment(written(moment.timestamp()), NOW) == moment.timestamp()


def test_no_words_are_no_moment() -> None:
    assert parse_moment("  ", NOW) == 0.0
    assert written(0.0) == ""


@pytest.mark.parametrize("text", ["tonight", "25:00", "2026-02-30", "24.12.2026"])
def test_what_is_no_moment_is_told_with_an_example(text: str) -> None:
    with pytest.raises(BadJob, match="2026-12-24 22:00"):
        parse_moment(text, NOW)
