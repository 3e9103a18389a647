"""The verdict: whether a training fits into the memory that is free now, in plain words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from studio.devices import Device

# Above this share of the free memory it fits, but other programs should not grow meanwhile.
_TIGHT_FROM = 0.85
_REMEDY = (
    "Lower the batch size (and raise gradient accumulation as much), lower the longest length, "
    "switch on gradient checkpointing, or choose a smaller model."
)


@dataclass(frozen=True)
class Verdict:
    """`fits` compares the highest expected need with `free_bytes` of `device`."""

    fits: bool
    device: str
    free_bytes: int
    words: str

    def to_json(self) -> dict[str, Any]:
        """The verdict of the contract."""
        return asdict(self)


def judge(high_bytes: int, device: Device) -> Verdict:
    """Compare the need with what is free on the device now."""
    free = device.free_bytes
    needed, available = f"{high_bytes / 1e9:.1f}", f"{free / 1e9:.1f} GB"
    if high_bytes > free:
        words = f"Does not fit: it may need {needed} GB, {available} are free now. {_REMEDY}"
    elif high_bytes > _TIGHT_FROM * free:
        words = f"Tight: up to {needed} GB of the {available} that are free. Close other programs first."
    else:
        words = f"Fits with room: at most {needed} GB of the {available} that are free."
    return Verdict(high_bytes <= free, device.name, free, words)
