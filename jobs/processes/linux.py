"""Linux: start times out of /proc, a death signal from the parent, a reaper of orphans."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from jobs.processes.posix import (
    ask_to_stop,
    killed_by,
    on_stop_asked,
    start_child,
    start_detached,
    yield_to_others,
)

assert sys.platform == "linux"

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

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# What keeps the machine awake must not be forgotten, or its pipe would close.
_held: list[subprocess.Popen[bytes]] = []


def start_time(pid: int) -> float | None:
    """Seconds since boot, from field 22 of /proc/PID/stat: a clock set anew does not shift it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # Field 2 is the name in brackets and may hold anything, brackets and spaces too.
    fields = stat[stat.rindex(b")") + 2 :].split()
    state, ticks = fields[0], int(fields[19])
    return None if state in (b"Z", b"X") else ticks / os.sysconf("SC_CLK_TCK")


@functools.cache
def boot_id() -> str:
    """The kernel's own name for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def adopt_orphans() -> None:
    """Become a child subreaper: a rank whose launcher died is still found below this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel send SIGKILL when the parent ends; end now if it has ended already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def keep_awake() -> None:
    """Ask systemd's login service, where there is one, for as long as our end of a pipe is open.

    Elsewhere nothing is done, or the program leaves at once: a machine without that service seldom
    falls asleep by itself.
    """
    program = shutil.which("systemd-inhibit")
    if program is None:
        return
    options = ["--what=idle:sleep", "--who=Whetstone", "--why=A training runs", "--mode=block"]
    with contextlib.suppress(OSError):
        _held.append(
            subprocess.Popen(
                [program, *options, "cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
