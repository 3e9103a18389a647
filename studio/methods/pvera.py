"""PVeRA: veRA with a little learned randomness while it trains."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for PVeRA."""

    rank: int = fields.rank(
        256,
        "Width of the shared random matrices; nearly free, since they do not train.",
        at_most=4096,
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "PVERA",
        "r": settings.rank,
        "pvera_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="pvera",
    title="PVeRA",
    sentence="VeRA with a little learned randomness while it trains.",
    paragraph=(
        "Like VeRA, but what passes between the shared matrices is drawn at random around a learned "
        "middle while it trains, which works against learning by heart. In use the middle is taken, so "
        "answers do not vary. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2512.07703",
    settings=Settings,
    learning_rate=0.003,
    rate_source="PEFT's MetaMathQA benchmark, run pvera:rank64",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
)
