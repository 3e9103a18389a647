"""How the queue's own programs are started, and how a thing is found by its name."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.processes import DATABASE_VARIABLE, JOB_VARIABLE

_PACKAGES = Path(__file__).resolve().parent.parent


def command(module: str, *arguments: str) -> list[str]:
    """The command line of `python -m MODULE`, safe from files that lie in the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """This process's environment without a job's mark, in which `jobs` is found from anywhere."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in (JOB_VARIABLE, DATABASE_VARIABLE)
    }
    places = [str(_PACKAGES), *filter(None, [inherited.get("PYTHONPATH")])]
    return {**inherited, "PYTHONPATH": os.pathsep.join(places), "PYTHONUNBUFFERED": "1"}


def say(words: str) -> None:
    """A line in the log of the queue's own program; dropped where the disk is full."""
    with suppress(OSError):
        print(words, flush=True)


def find(name: str) -> Any:
    """What `module:attribute` names. Raises ImportError, AttributeError, ValueError."""
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(f"'{name}' does not name a thing to import; write it as 'module:NAME'.")
    return getattr(importlib.import_module(module), attribute)
