"""The verdict: whether a training fits into the memory that is free now, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from studio.devices import Device
from studio.occupants import Occupant
from studio.sizes import size

Level = Literal["room", "tight", "doubtful", "none"]
TITLES: dict[Level, str] = {
    "room": "Fits with room",
    "tight": "Tight",
    "doubtful": "May not fit",
    "none": "Does not fit",
}
# Above this share of the free memory it fits, but other programs should not grow meanwhile.
_TIGHT_FROM = 0.85


@dataclass(frozen=True)
class Verdict:
    """`fits` compares the highest expected need, `needs_bytes`, with `free_bytes` of `device`.

    `words` is the whole sentence, `detail` the same without its `title`.
    """

    fits: bool
    device: str
    free_bytes: int
    words: str
    level: Level
    title: str
    detail: str
    needs_bytes: int
    total_bytes: int
    held_by: tuple[Occupant, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The verdict of the contract."""
        return asdict(self)


def judge(
    peak_bytes: int, high_bytes: int, device: Device, held_by: Sequence[Occupant] = ()
) -> Verdict:
    """Compare the need, as likely as not and at worst, with what is free on the device now.

    `held_by` are the programs that hold most of the device's memory.
    """
    level = _level(peak_bytes, high_bytes, device.free_bytes)
    detail = _detail(level, peak_bytes, high_bytes, device, held_by)
    joint = f" ({detail})" if level in ("room", "tight") else f": {detail}"
    advice = _advice(level, high_bytes, device, held_by)
    return Verdict(
        fits=high_bytes <= device.free_bytes,
        device=device.name,
        free_bytes=device.free_bytes,
        words=f"{TITLES[level]}{joint}. {advice}".rstrip(),
        level=level,
        title=TITLES[level],
        detail=f"{detail[0].upper()}{detail[1:]}. {advice}".rstrip(),
        needs_bytes=high_bytes,
        total_bytes=device.total_bytes,
        held_by=tuple(held_by),
    )


def _level(peak: int, high: int, free: int) -> Level:
    if high <= free:
        return "tight" if high > _TIGHT_FROM * free else "room"
    return "doubtful" if peak <= free else "none"


def _detail(level: Level, peak: int, high: int, device: Device, held_by: Sequence[Occupant]) -> str:
    free = device.free_bytes
    if level in ("room", "tight"):
        return f"{_number(high, free)} of {size(free)} free"
    needed = size(high) if level == "none" else f"{_number(peak, high)} to {size(high)}"
    return f"needs {needed}, {size(free)} free"


def _advice(level: Level, high: int, device: Device, held_by: Sequence[Occupant]) -> str:
    """What to do where it is not simply well."""
    if level == "room":
        return ""
    if level in ("none", "doubtful") and high > device.total_bytes:
        return f"There are {size(device.total_bytes)} in all: choose smaller settings."
    held = ", ".join(each.words for each in held_by)
    others = f" Most is held by {held}." if held else ""
    if level == "tight":
        return f"Other programs should not grow while it runs.{others}"
    return f"It would wait in the queue until other programs give memory back.{others}"


def _number(count: int, beside: int) -> str:
    """As `size`, without the unit where the figure beside it has the same."""
    said, other = size(count), size(beside)
    number, unit = said.split()
    return number if other.endswith(unit) else said
