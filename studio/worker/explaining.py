"""An estimate in words: what its parts are called, what dominates, and what would shrink it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Part:
    """A part of the memory as a person knows it; `shrink` says what would make it smaller."""

    title: str
    shrink: str


PARTS = {
    "weights": Part(
        "The model itself", "Holding it in fewer bits, or a smaller model, would shrink it"
    ),
    "quantization": Part("Scales of the model in few bits", "A smaller model would shrink it"),
    "adapter": Part("What is added to it", "Smaller settings of the method would shrink it"),
    "gradients": Part("Gradients", "A method that trains less would shrink it"),
    "optimizer": Part(
        "The optimizer's memory",
        "An optimizer in 8 bits, or a method that trains less, would shrink it",
    ),
    "activations": Part(
        "Intermediate results",
        "Fewer examples at a time, a shorter longest example, or computing intermediate results twice "
        "would shrink it",
    ),
    "loss": Part(
        "Predictions and their loss",
        "Fewer examples at a time, or a shorter longest example, would shrink it",
    ),
    "overhead": Part("The program around it", "Settings change little of that"),
}
MOMENTS = {
    "forward": "while the model reads the examples",
    "loss": "while its predictions are compared with your answers",
    "backward": "while it works out what to change",
    "optimizer": "while the weights are changed",
}


def title_of(part: str) -> str:
    """A part's name for people."""
    return PARTS[part].title if part in PARTS else part.capitalize()


def dominates(memory: Mapping[str, Any]) -> str:
    """`Most of it is the model itself (54 %), while …. A smaller model would shrink it.`"""
    parts = {name: count for name, count in (memory.get("parts") or {}).items() if count}
    peak = sum(parts.values())
    if not peak:
        return ""
    first, second = sorted([*parts, ""], key=lambda each: -parts.get(each, 0))[:2]
    moment = MOMENTS.get(str(memory.get("moment")), "")
    when = f" The peak comes {moment}." if moment else ""
    said = _said(
        first,
        parts[first] / peak,
        "Most of it is" if parts[first] > peak / 2 else "The largest part is",
    )
    if first == "overhead" and parts.get(second, 0) > peak / 20:
        # What no setting changes is not all that can be said.
        said += " " + _said(second, parts[second] / peak, "Next comes")
    return said + when


def _said(part: str, share: float, begin: str) -> str:
    title = title_of(part)
    shrink = f" {PARTS[part].shrink}." if part in PARTS else ""
    return f"{begin} {title[0].lower()}{title[1:]} ({100 * share:.0f} %).{shrink}"
