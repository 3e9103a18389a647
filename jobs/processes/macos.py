"""macOS: as on Linux where it can, a watching thread instead of a death signal (never run yet)."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import threading
import time

import psutil

from jobs.processes.posix import (
    ask_to_stop,
    killed_by,
    on_stop_asked,
    start_child,
    start_detached,
    yield_to_others,
)

__all__ = [
    "adopt_orphans",
    "ask_to_stop",
    "boot_id",
    "die_with_parent",
    "keep_awake",
    "killed_by",
    "on_stop_asked",
    "start_child",
    "start_detached",
    "start_time",
    "yield_to_others",
]

_WATCH_S = 0.5


def start_time(pid: int) -> float | None:
    """Seconds since 1970 as the kernel noted them when the process began."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


@functools.cache
def boot_id() -> str:
    """The kernel's own name for this boot."""
    answer = subprocess.run(
        ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, check=False
    )
    return answer.stdout.decode("ascii", "replace").strip()


def adopt_orphans() -> None:
    """macOS has no subreaper: orphans are found by the job's number in their environment."""


def die_with_parent(parent_pid: int) -> None:
    """Watch the parent's number from a thread: macOS sends no signal when a parent ends."""

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(_WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, name="die-with-parent", daemon=True).start()


def keep_awake() -> None:
    """The system's own tool, which leaves when this process does."""
    with contextlib.suppress(OSError):
        subprocess.Popen(["/usr/bin/caffeinate", "-i", "-w", str(os.getpid())])
