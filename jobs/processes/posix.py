"""What Linux and macOS have in common: sessions and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

assert sys.platform != "win32"


def start_detached(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
) -> Popen[bytes]:
    """A session of its own: neither Ctrl-C nor the closing of the terminal reaches it."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


# A child is deaf to the terminal by the same means; that it dies with its parent, it sees to itself.
start_child = start_detached


def ask_to_stop(pid: int, folder: Path) -> None:
    """Send SIGTERM; a process that is gone already needs no asking."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass


def on_stop_asked(folder: Path, stop: Callable[[], None]) -> None:
    """Have SIGTERM call `stop` instead of ending the process."""

    def handle(_number: int, _frame: Any) -> None:
        stop()

    signal.signal(signal.SIGTERM, handle)


def killed_by(return_code: int) -> str | None:
    """A negative return code is a signal's number."""
    if return_code >= 0:
        return None
    try:
        return signal.Signals(-return_code).name
    except ValueError:
        return f"signal {-return_code}"


def yield_to_others() -> None:
    """Five steps nicer: pages stay quick, and on a quiet machine nothing is lost."""
    os.nice(5)
