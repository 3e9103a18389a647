"""Disk space: whether there is room for what a run still has to write, looked at before it is short."""

from __future__ import annotations

import errno
import shutil
import time
from pathlib import Path

from safetensors import SafetensorError
from torch import nn

from studio.training.adapters import trainable

SPARE_BYTES = 64_000_000
"""Left for the log, the metrics, the queue's database and whatever else the machine writes."""

LOOK_EVERY_S = 5.0

DISK_ERRORS = (OSError, SafetensorError)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that a disk has no room left; safetensors tells it in words only."""
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    said = str(error)
    return isinstance(error, SafetensorError) and any(f"os error {n})" in said for n in _NO_ROOM)


class DiskRoom:
    """The disk below a run's checkpoints."""

    def __init__(self, folder: Path, model: nn.Module) -> None:
        self._folder = folder
        trained_bytes = sum(value.numel() * value.element_size() for _, value in trainable(model))
        # The next checkpoint lies beside the ones before it: weights and at most two moments each;
        # then the result, once more the weights.
        self.needs_bytes = 4 * trained_bytes + SPARE_BYTES
        self._next_look = 0.0

    def shortage(self) -> str | None:
        """What to tell a person where the room gets short; looks at the disk every few seconds only."""
        if time.monotonic() < self._next_look:
            return None
        self._next_look = time.monotonic() + LOOK_EVERY_S
        there = next(place for place in (self._folder, *self._folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
        return shortage_words(self._folder, free, self.needs_bytes) if self.is_short(free) else None

    def is_short(self, free_bytes: int) -> bool:
        """Whether so few bytes are too few to go on."""
        return free_bytes < self.needs_bytes


def shortage_words(folder: Path, free_bytes: int, needs_bytes: int) -> str:
    """What was found, what is wanted and what to do."""
    return (
        f"The disk is almost full: {free_bytes / 1e6:,.0f} MB are free below {folder}, and this "
        f"training needs {needs_bytes / 1e6:,.0f} MB to save its place and its result. It saved its "
        "place as far as there was room, and paused. Make some room, then resume it."
    )
