"""The devices of this machine: which there are, and how much of their memory is free right now.

Found without torch, so that the dispatcher and the page server can ask at any time.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from jobs.models import DeviceSlot
from studio.occupants import held_by

IO_SLOTS = 2
# The table of the driver's own tool, in MiB. Asking takes up to a second, so the answer is kept a moment.
_NVIDIA_QUERY = "--query-gpu=index,name,memory.total,memory.free"
_NVIDIA_TIMEOUT_S = 10.0
_KEPT_S = 5.0
_CGROUP = Path("/sys/fs/cgroup")
_CARDS = Path("/sys/class/drm")
_AMD = "0x1002"
# Of each device's memory, count on this much at most: a person's way to keep the rest for other programs.
LIMIT_VARIABLE = "STUDIO_MEMORY_LIMIT"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class Device:
    """A place where a model can be trained: `cpu:0`, `cuda:0`; memory in bytes."""

    name: str
    kind: str
    total_bytes: int
    free_bytes: int
    words: str


@dataclass(frozen=True)
class Machine:
    """What an estimate is judged against. `devices` begins with the GPUs, if any; the CPU is always last."""

    devices: tuple[Device, ...]
    disk_free_bytes: int

    def device_for(self, choice: str) -> Device:
        """The device that `training.devices` means here: of several GPUs the one with the most free memory."""
        if choice == "cpu":
            return self.devices[-1]
        gpus = [device for device in self.devices if device.kind == "cuda"]
        return max(gpus, key=lambda device: device.free_bytes, default=self.devices[-1])


def machine(place: Path) -> Machine:
    """This machine as it is now; `place` (a folder, there already or not) says which disk is meant."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    return Machine((*gpus(), processor()), shutil.disk_usage(there).free)


def slots() -> list[DeviceSlot]:
    """The places where jobs of the queue can run: two for reading and writing, the CPU, each GPU."""
    places = [
        DeviceSlot(f"io:{number}", "io", None, "reading and writing") for number in range(IO_SLOTS)
    ]
    places += [
        DeviceSlot(
            device.name,
            device.kind,
            device.free_bytes,
            device.words,
            device.total_bytes,
            held_by(device.name),
        )
        for device in (processor(), *gpus())
    ]
    return places


def device_named(name: str) -> Device | None:
    """The device `cpu:0` or `cuda:N` as it is now; None where there is none of that name."""
    return next((each for each in (processor(), *gpus()) if each.name == name), None)


def processor() -> Device:
    """The CPU with the main memory, as far as this process may use it."""
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    limit = _container_memory()
    if limit is not None:
        total, free = min(total, limit[0]), min(free, limit[1])
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    words = f"processor, {cores} core{'s' if cores > 1 else ''}, {total / 1e9:.1f} GB of memory"
    return _within_limit(Device("cpu:0", "cpu", total, free, words))


def gpus() -> tuple[Device, ...]:
    """The GPUs that the installed torch can use; none where it was built for the CPU alone."""
    if not torch_is_built_for_gpus():
        return ()
    # The argument changes every few seconds, which makes the answer young enough.
    found = _ask_nvidia(int(time.monotonic() / _KEPT_S)) or read_amd_cards(_CARDS)
    return tuple(map(_within_limit, found))


def memory_limit(said: str | None) -> int | None:
    """Bytes in `8 GB`, `500M` or `8000000000`; None where nothing, or nothing readable, is said."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", (said or "").upper())
    return int(float(match[1]) * _UNITS[match[2]]) if match else None


def _within_limit(device: Device) -> Device:
    limit = memory_limit(os.environ.get(LIMIT_VARIABLE))
    if limit is None:
        return device
    total, free = min(device.total_bytes, limit), min(device.free_bytes, limit)
    return replace(device, total_bytes=total, free_bytes=free)


@functools.cache
def torch_is_built_for_gpus() -> bool:
    """Whether torch was built with CUDA or ROCm, read from its version file without importing it."""
    package = importlib.util.find_spec("torch")
    if package is None or package.origin is None:
        return False
    try:
        text = Path(package.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return bool(re.search(r"^(cuda|hip)\b[^=\n]*=\s*['\"]", text, re.MULTILINE))


@functools.lru_cache(maxsize=1)
def _ask_nvidia(moment: int) -> tuple[Device, ...]:
    """What `nvidia-smi` says; nothing where it is missing, fails or hangs."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        answer = subprocess.run(
            [program, _NVIDIA_QUERY, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_NVIDIA_TIMEOUT_S,
            check=True,
            # On Windows a console program would open a window of its own.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return read_nvidia_table(answer.stdout)


def read_nvidia_table(table: str) -> tuple[Device, ...]:
    """The devices in lines of `index, name, total MiB, free MiB`; a line without figures is passed over."""
    devices = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        # A name may hold commas; figures may be "[N/A]" (memory shared with the processor).
        if len(cells) < 4 or not all(cell.isdigit() for cell in (cells[0], *cells[-2:])):
            continue
        total, free = (int(cell) * 2**20 for cell in cells[-2:])
        name = ", ".join(cells[1:-2])
        words = f"{name}, {total / 1e9:.1f} GB of memory"
        devices.append(Device(f"cuda:{cells[0]}", "cuda", total, free, words))
    return tuple(devices)


def read_amd_cards(folder: Path) -> tuple[Device, ...]:
    """AMD's cards as the kernel tells of them (`card*/device/mem_info_vram_*`, bytes), by their place on
    the bus: ROCm's torch calls them `cuda` too, and numbers them so."""
    found = []
    for card in folder.glob("card[0-9]*"):
        if not card.name.removeprefix("card").isdigit():
            continue  # a screen's connector
        place = card / "device"
        try:
            if (place / "vendor").read_text().strip() != _AMD:
                continue
            total, used = (
                int((place / f"mem_info_vram_{name}").read_text()) for name in ("total", "used")
            )
        except (OSError, ValueError):
            continue
        found.append((str(place.resolve()), total, max(0, total - used)))
    return tuple(
        Device(f"cuda:{n}", "cuda", total, free, f"AMD GPU, {total / 1e9:.1f} GB of memory")
        for n, (_, total, free) in enumerate(sorted(found))
    )


def _container_memory() -> tuple[int, int] | None:
    """Limit and free bytes of a Linux container (cgroup version 2); None where nothing is limited."""
    if sys.platform != "linux":
        return None
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        # Cached files count as used but are given back when memory is wanted.
        cached = re.search(
            r"^inactive_file (\d+)$", (_CGROUP / "memory.stat").read_text(), re.MULTILINE
        )
    except (OSError, ValueError):  # no such file, or the word "max"
        return None
    return limit, max(0, limit - used + (int(cached[1]) if cached else 0))
