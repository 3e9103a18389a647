"""PSOFT: turns only the main directions of each layer; OFT within a small space."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets


class Settings(MethodSettings):
    """What can be set for PSOFT."""

    rank: int = fields.rank(32, "How many main directions are turned.")
    alpha: int = fields.number(
        32,
        "Strength of the adapter",
        "The update is scaled by alpha / rank.",
        at_least=1,
        at_most=4096,
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "PSOFT",
        "r": settings.rank,
        "psoft_alpha": settings.alpha,
        "psoft_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


def _too_many_directions(settings: Settings, base: Base) -> None:
    """Every layer must have as many main directions as are turned."""
    least = min(map(ranks.room, choose(settings, base)))
    ranks.refuse(settings.rank, least, "a layer that learns has fewer main directions")


METHOD = Method(
    name="psoft",
    title="PSOFT",
    sentence="Turns only the main directions of each layer; OFT within a small space.",
    paragraph=(
        "Each layer's strongest directions are found once; within the small space they span, a rotation "
        "and two scales train. OFT's care for what the model knows at LoRA's cost. It can be merged."
    ),
    family="re-parametrised",
    paper="https://openreview.net/forum?id=FSHrinMArK",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run psoft:fast",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=_too_many_directions,
)
