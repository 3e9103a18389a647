"""Metrics of the runs that windows look at, read on from where the last look ended."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from jobs.progress import METRICS, read_metrics

MOST_RUNS = 8
MOST_LINES = 200_000


class Followed:
    """The metrics of a few runs in memory: a look reads only what was written since the last one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: OrderedDict[Path, tuple[int, list[dict[str, Any]]]] = OrderedDict()

    def metrics(self, folder: Path) -> list[dict[str, Any]]:
        """All whole lines of a run's metrics so far; the list grows with later looks."""
        with self._lock:
            offset, lines = self._runs.pop(folder, (0, []))
            if _size(folder / METRICS) < offset:
                offset, lines = 0, []
            found, offset = read_metrics(folder, offset)
            lines = [*lines, *found][-MOST_LINES:] if found else lines
            self._runs[folder] = (offset, lines)
            while len(self._runs) > MOST_RUNS:
                self._runs.popitem(last=False)
            return lines


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
