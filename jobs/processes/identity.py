"""Who a process is: its number alone is given again, so its start and the boot belong to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """One process for all time: number, start time (the platform's own count), boot."""

    pid: int
    start: float
    boot_id: str
