"""Occupants: which programs hold the memory of a device now, by name."""

from __future__ import annotations

import functools
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath

import psutil

# Looking at every process takes some hundredths of a second; who holds a gigabyte seldom changes.
_KEPT_S = 30.0
_TIMEOUT_S = 10.0
# Fewer bytes, or more names, would not help a person to decide what to close.
_FEWEST_BYTES = 150_000_000
_MOST_NAMES = 3
# The studio's own processes, by a word of their command.
_OWN = {
    "jobs.task_process": "a job of Whetstone",
    "studio.worker.service": "Whetstone's model worker",
    "studio": "Whetstone",
}


@dataclass(frozen=True)
class Occupant:
    """A program with the bytes that its processes hold together; shared pages count in each of them."""

    name: str
    bytes: int

    @property
    def words(self) -> str:
        """`firefox 2.1 GB`."""
        return f"{self.name} {self.bytes / 1e9:.1f} GB"


def held_by(device: str) -> str:
    """`firefox 2.1 GB, a job of Whetstone 1.4 GB`; empty where nobody holds much, or it cannot be told."""
    return ", ".join(each.words for each in occupants(device))


def occupants(device: str) -> tuple[Occupant, ...]:
    """The programs that hold most of the memory of `cpu:0` or `cuda:N`, the largest first."""
    # The last argument changes now and then, which makes the answer young enough.
    return _look(device, int(time.monotonic() / _KEPT_S))


@functools.lru_cache(maxsize=8)
def _look(device: str, moment: int) -> tuple[Occupant, ...]:
    kind, _, number = device.partition(":")
    return largest(_on_gpu(number) if kind == "cuda" else _in_main_memory())


def largest(held: Iterable[tuple[str, int]]) -> tuple[Occupant, ...]:
    """The few names that hold most, what each of its processes holds added up."""
    sums: Counter[str] = Counter()
    for name, size in held:
        sums[name] += size
    most = sums.most_common(_MOST_NAMES)
    return tuple(Occupant(name, size) for name, size in most if size >= _FEWEST_BYTES)


def _in_main_memory() -> list[tuple[str, int]]:
    held = []
    for process in psutil.process_iter(["name", "cmdline", "memory_info"]):
        memory = process.info["memory_info"]
        if memory is not None:
            name = program_name(process.info["name"] or "", process.info["cmdline"] or [])
            held.append((name, int(memory.rss)))
    return held


def program_name(name: str, command: list[str]) -> str:
    """What a person calls it: the studio's own processes by what they do, others by their program."""
    module = command[command.index("-m") + 1] if "-m" in command[:-1] else ""
    for word, own in _OWN.items():
        if module == word:
            return own
    return PureWindowsPath(PurePath(name).name).name.removesuffix(".exe") or "a program"


def _on_gpu(number: str) -> list[tuple[str, int]]:
    """What `nvidia-smi` says of card `number`; nothing where it is missing, fails or hangs."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = "--query-compute-apps=process_name,used_memory"
    try:
        answer = subprocess.run(
            [program, "-i", number, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return read_nvidia_programs(answer.stdout)


def read_nvidia_programs(table: str) -> list[tuple[str, int]]:
    """Name and bytes in lines of `program, MiB`; a line without a figure is passed over."""
    held = []
    for line in table.splitlines():
        path, _, used = line.rpartition(",")
        if used.strip().isdigit():
            held.append((program_name(path.strip(), []), int(used) * 2**20))
    return held
