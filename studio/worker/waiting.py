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

    def put(self, request: Request) -> list[Request]:
        """Add a request; gives the older ones of its kind and lane, which nobody wants any more."""
        with self._changed:
            superseded = [old for old in self._requests if _replaces(request, old)]
            for old in superseded:
                self._requests.remove(old)
            self._requests.append(request)
            self._changed.notify()
        return superseded

    def take(self, timeout_s: float | None) -> Request | None:
        """The next request; None when there was none for that long (None: wait for ever)."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._requests), timeout_s):
                return None
            return self._requests.popleft()


def _replaces(new: Request, old: Request) -> bool:
    return new.lane is not None and (new.kind, new.lane) == (old.kind, old.lane)
