"""The requests that a worker has not begun yet, in order; a newer one takes an older one's place."""

from __future__ import annotations

import threading
from collections import deque

from studio.worker.protocol import Request


class Waiting:
    """Filled by the thread that reads, emptied by the one that works."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque()
        self._changed = threading.Condition()
        self._running: Request | None = None
        self._is_wanted = True

    def put(self, request: Request) -> list[Request]:
        """Add a request; gives the older ones of its lane that nobody wants any more.

        What is quickly answered comes before what takes long. Where it takes the place of the one that is
        worked on, that one is no longer `wanted`.
        """
        with self._changed:
            superseded = [old for old in self._requests if _replaces(request, old)]
            for old in superseded:
                self._requests.remove(old)
            if self._running is not None and _replaces(request, self._running):
                self._is_wanted = False
            place = len(self._requests)
            if request.before:
                place = sum(bool(waiting.before) for waiting in self._requests)
            self._requests.insert(place, request)
            self._changed.notify()
        return superseded

    def take(self, timeout_s: float | None) -> Request | None:
        """The next request, which is then worked on; None when there was none for that long (None: wait
        for ever)."""
        with self._changed:
            self._running, self._is_wanted = None, True
            if not self._changed.wait_for(lambda: bool(self._requests), timeout_s):
                return None
            self._running = self._requests.popleft()
            return self._running

    def wanted(self) -> bool:
        """Whether somebody still waits for the request that is worked on."""
        return self._is_wanted

    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self._requests


def _replaces(new: Request, old: Request) -> bool:
    """What is asked before another kind begins a new round: what is asked there is of an older form."""
    return new.lane is not None and new.lane == old.lane and old.kind in (new.kind, new.before)
