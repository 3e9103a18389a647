"""Figures as a person reads them: sizes, counts, times, shares."""

from __future__ import annotations

import time

from studio.sizes import size as size  # one of the words of pages, too


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 row`, `1,200 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def about(number: int) -> str:
    """A large count in words: `135 million`, `7.2 billion`; exact below a million."""
    for factor, name in ((10**9, "billion"), (10**6, "million")):
        if number >= factor:
            amount = number / factor
            return f"{amount:.1f} {name}" if amount < 10 else f"{amount:.0f} {name}"
    return f"{number:,}"


def share(part: float, whole: float) -> str:
    """`0.34 %`; very small shares keep one figure that is not zero."""
    percent = 100 * part / whole if whole else 0.0
    if percent >= 10 or percent == 0:
        return f"{percent:.0f} %"
    return f"{percent:.2f} %" if percent >= 0.01 else "less than 0.01 %"


def duration(seconds: float) -> str:
    """`8 seconds`, `3 minutes`, `2 h 5 min`, `3 days`."""
    if seconds < 90:
        return count(max(0, round(seconds)), "second")
    minutes = round(seconds / 60)
    if minutes < 90:
        return count(minutes, "minute")
    hours = minutes / 60
    if hours < 48:
        return f"{int(hours)} h {minutes % 60} min"
    return count(round(hours / 24), "day")


def apart(measured: float, predicted: float) -> str:
    """`6 % more` than predicted, `3 % less`, `as predicted`."""
    share = measured / predicted - 1
    if abs(share) < 0.005:
        return "as predicted"
    return f"{abs(share) * 100:,.0f} % {'more' if share > 0 else 'less'}"


def clock(seconds: float) -> str:
    """`4:09`, `1:02:33`: time that runs."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return (f"{hours}:{minutes:02}" if hours else f"{minutes}") + f":{whole % 60:02}"


def moment(at: float | None) -> str:
    """`14:05` for today, else `3 Mar, 14:05`, in local time."""
    if at is None:
        return ""
    then, today = time.localtime(at), time.localtime()
    if (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday):
        return time.strftime("%H:%M", then)
    return f"{then.tm_mday} {time.strftime('%b, %H:%M', then)}"
