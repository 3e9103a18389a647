"""Windows: a job object that ends its processes when it is closed (never run yet)."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from ctypes import wintypes
from pathlib import Path
from subprocess import Popen

import psutil

assert sys.platform == "win32"

_STOP_FILE = "stop-asked"
_WATCH_S = 0.5
# <winnt.h>
_EXTENDED_LIMIT_INFORMATION = 9
_LIMIT_KILL_ON_JOB_CLOSE = 0x2000
# <winbase.h>: until this thread ends, the system is needed
_CONTINUOUS, _SYSTEM_REQUIRED = 0x80000000, 0x00000001


def start_time(pid: int) -> float | None:
    """Seconds since 1970 as the kernel noted them when the process began."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def boot_id() -> str:
    """A constant: a creation time on Windows is absolute and tells boots apart by itself."""
    return "windows"


def start_detached(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
) -> Popen[bytes]:
    """A process without a console window, in a group of its own."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            creationflags=subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
        )


def start_child(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
) -> Popen[bytes]:
    """As `start_detached`, but in the job object that ends with this process."""
    (folder / _STOP_FILE).unlink(missing_ok=True)
    child = start_detached(command, environment, log, folder)
    handle = wintypes.HANDLE(int(child._handle))  # type: ignore[attr-defined]
    if not ctypes.windll.kernel32.AssignProcessToJobObject(_job_object(), handle):
        child.kill()
        raise ctypes.WinError()
    return child


def adopt_orphans() -> None:
    """Nothing to do: descendants stay in the job object whatever becomes of their parents."""


def die_with_parent(parent_pid: int) -> None:
    """Nothing to do: the job object sees to it."""


def ask_to_stop(pid: int, folder: Path) -> None:
    """Leave a file for the task to find: a process without a console gets no signals."""
    (folder / _STOP_FILE).touch()


def on_stop_asked(folder: Path, stop: Callable[[], None]) -> None:
    """Look for the file from a thread."""

    def watch() -> None:
        while not (folder / _STOP_FILE).exists():
            time.sleep(_WATCH_S)
        stop()

    threading.Thread(target=watch, name="stop-asked", daemon=True).start()


def killed_by(return_code: int) -> str | None:
    """An exception code of the system (0xC...) tells of a violent end; a plain kill cannot be told."""
    return f"code {return_code:#x}" if return_code >= 0xC0000000 else None


def keep_awake() -> None:
    """Tell the system that this thread, the runner's first, needs it awake."""
    ctypes.windll.kernel32.SetThreadExecutionState(_CONTINUOUS | _SYSTEM_REQUIRED)


def yield_to_others() -> None:
    """Below-normal priority."""
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)


@functools.cache
def _job_object() -> wintypes.HANDLE:
    """The one job object of this process; the system closes it with the process, however it ends."""
    kernel32 = ctypes.windll.kernel32
    kernel32.CreateJobObjectW.restype = wintypes.HANDLE
    handle = wintypes.HANDLE(kernel32.CreateJobObjectW(None, None))
    limits = _ExtendedLimits()
    limits.basic.limit_flags = _LIMIT_KILL_ON_JOB_CLOSE
    if not kernel32.SetInformationJobObject(
        handle, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
    ):
        raise ctypes.WinError()
    return handle


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = [
        ("per_process_time_limit", ctypes.c_int64),
        ("per_job_time_limit", ctypes.c_int64),
        ("limit_flags", wintypes.DWORD),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_process_limit", wintypes.DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority_class", wintypes.DWORD),
        ("scheduling_class", wintypes.DWORD),
    ]


class _ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = [
        ("basic", _BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory_limit", ctypes.c_size_t),
        ("job_memory_limit", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    ]
