"""Hours of the day within which a job may run: `22:00-06:00` for the night, in local time."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from jobs.errors import BadJob

_FORM = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Hours:
    """From `begin` to before `end`, in minutes after midnight; over midnight where `end` is the smaller."""

    begin: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Hours:
        """The hours written as `22:00-06:00`. Raises BadJob."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise BadJob(f"'{text}' are no hours of the day. Write them as 22:00-06:00.")
        first, first_minutes, last, last_minutes = map(int, found.groups())
        hours = cls(first * 60 + first_minutes, last * 60 + last_minutes)
        if hours.begin == hours.end:
            raise BadJob(f"'{text}' begins when it ends. Leave the hours out to run at any time.")
        return hours

    def allow(self, at: float) -> bool:
        """Whether the moment `at` (seconds since 1970) lies within."""
        then = time.localtime(at)
        minute = then.tm_hour * 60 + then.tm_min
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def __str__(self) -> str:
        return f"{_clock(self.begin)}-{_clock(self.end)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
