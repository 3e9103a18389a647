"""The list of jobs with its notes as it was last read: read anew once the database's file has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.models import Job, JobState
from studio.library import Note
from studio.ui.backstage import Backstage

# As the dispatcher does: a change within the grain of the file's time is seen a little later.
LOOK_AGAIN_S = 3.0
NEWS = 5


@dataclass(frozen=True)
class Listed:
    """One reading. `number` is another one for each, so that what was made of it can be kept."""

    number: int
    jobs: Sequence[Job]
    notes: Mapping[int, Note]
    # What ended last, and what waits for a person.
    news: Sequence[Job]


class Looked:
    """A window looks each second, and all of them see the same: a thousand rows are not read each time."""

    def __init__(self, backstage: Backstage, limit: int) -> None:
        self._backstage = backstage
        self._limit = limit
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._seen_at = float("-inf")
        self._listed: Listed | None = None

    def look(self) -> Listed:
        """The jobs as they are now. Raises StoreBusy, StoreError."""
        with self._lock:
            # Before the reading: what changes meanwhile makes the next look read again.
            state = self._backstage.orders.queue.config.database.stat()
            seen = (state.st_mtime_ns, state.st_size)
            is_due = time.monotonic() - self._seen_at > LOOK_AGAIN_S
            if self._listed is None or seen != self._seen or is_due:
                self._listed = self._read(self._listed)
                self._seen, self._seen_at = seen, time.monotonic()
            return self._listed

    def _read(self, before: Listed | None) -> Listed:
        store = self._backstage.orders.queue.store
        jobs = store.jobs(limit=self._limit)
        notes = self._backstage.library.notes.all()
        # Ended jobs come newest first.
        told = [job for job in jobs if job.state in (JobState.SUCCEEDED, JobState.FAILED)][:NEWS]
        paused = [job for job in jobs if job.state is JobState.PAUSED and job.error][:NEWS]
        found = Listed(0, jobs, notes, [*told, *paused])
        if before is not None and _same(before, found):
            return before
        return Listed(before.number + 1 if before else 1, jobs, notes, found.news)


def _same(one: Listed, other: Listed) -> bool:
    return (one.jobs, one.notes) == (other.jobs, other.notes)
