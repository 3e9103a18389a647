"""What killed processes left half written in the data home is taken away, once nobody can be at it any more."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from filelock import FileLock, Timeout

from jobs.durable import ENDING
from studio.settings import Home

HOUR_S = 3_600.0
# A download that was cut off goes on where it stood; after a month nobody will ask for it.
KEPT_S = {f".import-*{ENDING}": HOUR_S, ".hub--*.fetching": 30 * 24 * HOUR_S}
SPOOLED_S = 24 * HOUR_S


def sweep(home: Home, now: float | None = None) -> list[Path]:
    """Remove old leftovers of imports, downloads and looked-through files; gives what was removed."""
    now = time.time() if now is None else now
    places = [(home.datasets, pattern, kept_s) for pattern, kept_s in KEPT_S.items()]
    places.append((home.tmp, "spooled-*", SPOOLED_S))
    return [
        folder
        for place, pattern, kept_s in places
        for folder in place.glob(pattern)
        if now - _changed_at(folder) > kept_s and remove_unless_in_use(folder)
    ]


def remove_unless_in_use(folder: Path) -> bool:
    """Remove a folder with the lock that goes with it, if that is free; whether it was."""
    lock = folder.with_suffix(".lock")
    if not lock.exists():
        shutil.rmtree(folder, ignore_errors=True)
        return True
    try:
        with FileLock(lock, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except (Timeout, OSError):
        return False
    lock.unlink(missing_ok=True)
    return True


def _changed_at(folder: Path) -> float:
    """When something in the folder was last written."""
    times = [0.0]
    for each in (folder, *folder.rglob("*")):
        try:
            times.append(each.stat().st_mtime)
        except OSError:
            continue  # it was taken away just now
    return max(times)
