"""`doctor`: what this machine can do, and what is missing."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import psutil

from studio import devices
from studio.cli.command import Command
from studio.cli.output import Output, in_gigabytes
from studio.errors import AskedWrongly
from studio.settings import Home

LIBRARIES = ("torch", "transformers", "peft", "datasets", "gradio", "bitsandbytes", "sqlalchemy")
ENOUGH_MEMORY_BYTES = 4 * 10**9
ENOUGH_DISK_BYTES = 5 * 10**9


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it will do, and what to do where it will not."""

    name: str
    value: str
    ok: bool
    words: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace, home: Home, output: Output) -> int:
    """Look at the machine; exit 0 also when something is missing, since looking succeeded."""
    findings = [*_machine(), *_home(home), *_libraries()]
    lines = [
        f"{'ok ' if f.ok else '!! '} {f.name}: {f.value}. {f.words}".rstrip() for f in findings
    ]
    output.result([asdict(finding) for finding in findings], "\n".join(lines))
    return 0


def _machine() -> Iterator[Finding]:
    version = platform.python_version()
    is_known = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("Python", version, is_known, "" if is_known else "Use Python 3.11, 3.12 or 3.13.")
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    yield Finding("Processor", f"{cores} cores, {platform.machine()}", True, "")
    free = psutil.virtual_memory().available
    enough = free >= ENOUGH_MEMORY_BYTES
    words = "" if enough else "The starter model trains in about 3 GB: close other programs first."
    yield Finding("Memory free", in_gigabytes(free), enough, words)
    gpus = [slot for slot in devices.slots() if slot.kind == "cuda"]
    yield Finding(
        "GPU",
        ", ".join(slot.words for slot in gpus) or "none found",
        True,
        ""
        if gpus
        else "Training runs on the processor: fine for small models, slow for large ones.",
    )


def _home(home: Home) -> Iterator[Finding]:
    try:
        home.prepare()
    except AskedWrongly as error:
        yield Finding("Data folder", str(home.folder), False, error.words)
        return
    yield Finding("Data folder", str(home.folder), True, "")
    free = shutil.disk_usage(home.folder).free
    enough = free >= ENOUGH_DISK_BYTES
    words = "" if enough else "Models and exports take several GB each: make room."
    yield Finding("Disk free there", in_gigabytes(free), enough, words)


def _libraries() -> Iterator[Finding]:
    yield Finding("sqlite", sqlite3.sqlite_version, True, "")
    for name in LIBRARIES:
        try:
            yield Finding(name, importlib.metadata.version(name), True, "")
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "missing", False, "Run python launch.py again: it repairs itself.")


COMMAND = Command("say what this machine can do and what is missing", arguments, run)
