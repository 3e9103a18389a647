"""Which waiting job runs next, on which slots, and what the others are waiting for."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from jobs.hours import Hours
from jobs.models import DeviceSlot, JobState


@dataclass(frozen=True)
class Waiting:
    """A queued job as placement sees it; `first_*` is the job that must succeed before it."""

    id: int
    slot_kind: str
    slots_wanted: int
    needs_bytes: int | None
    run_after: float
    hours: str | None
    waiting_for: str | None
    first_id: int | None
    first_name: str | None
    first_state: JobState | None


@dataclass(frozen=True)
class Placement:
    """The job to run now with its slots, if any, and the new words of those passed over."""

    job_id: int | None
    slots: tuple[str, ...]
    words: dict[int, str | None]


def place(
    queue: Iterable[Waiting], devices: Sequence[DeviceSlot], busy: Collection[str], now: float
) -> Placement:
    """Take the first job of `queue` (in run order) that can run now.

    A job whose slots are merely taken holds back those behind it that want the same kind, so that
    what is shown is what runs. One that waits for memory, a time or another job is passed over.
    """
    words: dict[int, str | None] = {}
    held: set[str] = set()
    for job in queue:
        waiting_for = _not_before(job, now)
        if waiting_for is None and job.slot_kind not in held:
            offered = [slot for slot in devices if job.slot_kind in (slot.kind, slot.name)]
            free = [slot for slot in offered if slot.name not in busy]
            fitting = [slot for slot in free if _fits(job, slot)]
            if len(fitting) >= job.slots_wanted:
                names = tuple(slot.name for slot in fitting[: job.slots_wanted])
                return Placement(job.id, names, words)
            waiting_for = _wants(job, offered, free)
            if waiting_for is None:
                held.add(job.slot_kind)
        if waiting_for != job.waiting_for:
            words[job.id] = waiting_for
    return Placement(None, (), words)


def _not_before(job: Waiting, now: float) -> str | None:
    """What must happen before the job may be placed at all, in words."""
    if job.first_id is not None and job.first_state != JobState.SUCCEEDED:
        return f"job {job.first_id} ({job.first_name}) to be done"
    if job.run_after > now:
        return f"{time.strftime('%d %b, %H:%M', time.localtime(job.run_after))}, as it was set"
    if job.hours is not None and not Hours.parse(job.hours).allow(now):
        return f"its hours of the day, {job.hours}"
    return None


def _fits(job: Waiting, slot: DeviceSlot) -> bool:
    return job.needs_bytes is None or slot.free_bytes is None or job.needs_bytes <= slot.free_bytes


def _wants(job: Waiting, offered: Sequence[DeviceSlot], free: Sequence[DeviceSlot]) -> str | None:
    """What the job lacks; None where it only waits for its turn."""
    if len(offered) < job.slots_wanted:
        return (
            f"{job.slots_wanted} × {job.slot_kind}; this machine offers {len(offered) or 'none'}. "
            "It goes on waiting until cancelled or started where there are more"
        )
    if len(free) < job.slots_wanted:
        return None
    assert job.needs_bytes is not None
    return _memory_words(job.needs_bytes, max(free, key=lambda slot: slot.free_bytes or 0))


def _memory_words(needs_bytes: int, slot: DeviceSlot) -> str:
    """What is lacking on the device that has most of it free, and what a person can do."""
    needed = f"about {_gigabytes(needs_bytes)} of memory"
    if slot.total_bytes is not None and needs_bytes > slot.total_bytes:
        return (
            f"{needed}; there are {_gigabytes(slot.total_bytes)} in all. It goes on waiting until "
            "cancelled: choose smaller settings then"
        )
    held = f"; most is held by {slot.held_by}" if slot.held_by else ""
    return (
        f"{needed} to become free ({_gigabytes(slot.free_bytes or 0)} is free now{held}). "
        "Closing other programs helps; so does cancelling and choosing smaller settings"
    )


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
