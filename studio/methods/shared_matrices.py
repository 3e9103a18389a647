"""What the methods of shared random matrices have in common: their settings, and what PEFT is told."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for every method of shared random matrices."""

    rank: int = fields.rank(
        256,
        "Width of the shared random matrices; nearly free, since they do not train.",
        at_most=4096,
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(kind: str, settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration of this type as plain data."""
    return {
        "peft_type": kind,
        "r": settings.rank,
        f"{kind.lower()}_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }
