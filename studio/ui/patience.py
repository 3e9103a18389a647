"""While the database is busy: a look keeps what it shows and says since when, an act waits its turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from jobs.errors import StoreBusy
from studio.ui.words import moment

# Shorter than this nobody would miss a look; a warning that comes and goes would only frighten.
STALE_S = 5.0
ACT_S = 20.0

Given = TypeVar("Given")


class Pulse:
    """When the looks of a page's windows last saw the database, and since when they did not."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._elapsed = now, elapsed
        self._seen_at: float | None = None
        self._missed_since: float | None = None

    def seen(self) -> None:
        """A look saw it."""
        self._seen_at, self._missed_since = self._now(), None

    def missed(self) -> str:
        """A look did not: words for people (HTML) once that has lasted, else nothing."""
        if self._missed_since is None:
            self._missed_since = self._elapsed()
        if self._elapsed() - self._missed_since < STALE_S:
            return ""
        was = f"This is how it was at {moment(self._seen_at)}. " if self._seen_at else ""
        return (
            '<p class="quiet" role="status">Another program keeps the database busy, so nothing new '
            f"can be shown. {was}Your jobs go on meanwhile, and so does this page by itself.</p>"
        )


def patiently(act: Callable[[], Given], *, patience_s: float = ACT_S) -> Given:
    """Do what a person asked for once the database is free. Raises StoreBusy when that takes too long.

    Only for acts of one transaction: one that found the database busy changed nothing.
    """
    ends = time.monotonic() + patience_s
    while True:
        try:
            return act()
        except StoreBusy:
            if time.monotonic() >= ends:
                raise
