"""MiSS: learns one small matrix whose rows are shared out over each layer; light and quick."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets


class Settings(MethodSettings):
    """What can be set for MiSS."""

    rank: int = fields.rank(
        64, "How many numbers each output keeps; it divides the layer's inputs into so many parts."
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "MISS",
        "r": settings.rank,
        "miss_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


def _too_many_parts(settings: Settings, base: Base) -> None:
    """Inputs are shared out over as many rows: every layer must have so many."""
    least = min(module.inputs for module in choose(settings, base))
    ranks.refuse(settings.rank, least, "a layer that learns has fewer inputs")


METHOD = Method(
    name="miss",
    title="MiSS",
    sentence="Learns one small matrix whose rows are shared out over each layer; light and quick.",
    paragraph=(
        "Each layer's change is made from one small matrix that is repeated across the layer's inputs "
        "(matrix shard sharing, formerly Bone). It needs the least memory of the good methods in PEFT's "
        "benchmark, at about LoRA's quality, but changed there more of what the model knew before than "
        "LoRA did. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2409.15371",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run miss:default",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=_too_many_parts,
)
