"""A device provider for tests: a small machine with one processor and two graphics cards."""

from __future__ import annotations

from jobs.models import DeviceSlot


def slots() -> list[DeviceSlot]:
    """Two slots for files, one processor, two cards of different memory."""
    return [
        DeviceSlot("io:0", "io"),
        DeviceSlot("io:1", "io"),
        DeviceSlot("cpu:0", "cpu", 8_000_000_000, "the processor"),
        DeviceSlot("cuda:0", "cuda", 4_000_000_000, "card 0"),
        DeviceSlot("cuda:1", "cuda", 16_000_000_000, "card 1"),
    ]


def none() -> list[DeviceSlot]:
    """A machine that offers nothing."""
    return []
