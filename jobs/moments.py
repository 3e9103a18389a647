"""A moment as a person writes it: `22:00` for the next time it is that late, or a day with or without it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from jobs.errors import BadJob

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAY_AND_CLOCK = "%Y-%m-%d %H:%M"


def parse_moment(text: str, now: float) -> float:
    """Seconds since 1970, local time; 0.0 for an empty text, which is no moment at all.

    Raises BadJob.
    """
    text = text.strip()
    if not text:
        return 0.0
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        today = datetime.fromtimestamp(now)
        moment = today.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return (moment if moment > today else moment + timedelta(days=1)).timestamp()
    for form in (_DAY_AND_CLOCK, "%Y-%m-%dT%H:%M", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).timestamp()
        except ValueError:
            continue
    raise BadJob(f"'{text}' is no moment. Write it as 22:00, 2026-12-24 or 2026-12-24 22:00.")


def written(moment: float) -> str:
    """The moment as `parse_moment` reads it; empty for none."""
    return datetime.fromtimestamp(moment).strftime(_DAY_AND_CLOCK) if moment else ""
