"""TinyLoRA: a handful of numbers a layer steer its main directions; the fewest parameters of all."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for TinyLoRA."""

    rank: int = fields.rank(2, "How many main directions of each layer are steered.", at_most=64)
    length: int = fields.number(
        64,
        "Numbers a layer",
        "How many numbers train in each group of layers.",
        at_least=1,
        at_most=4096,
        cost="memory",
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "TINYLORA",
        "r": settings.rank,
        "u": settings.length,
        "tinylora_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="tinylora",
    title="TinyLoRA",
    sentence="A handful of numbers a layer steer its main directions; the fewest parameters of all.",
    paragraph=(
        "Each layer's strongest directions are found once; a short vector says through fixed random "
        "patterns how they are mixed anew. Made for learning from rewards, where few numbers suffice; "
        "from examples it learned next to nothing in PEFT's benchmark. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2602.04118",
    settings=Settings,
    learning_rate=0.01,
    rate_source="ours: at 1e-3 it learned next to nothing in PEFT's benchmark (1.2 %)",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=ranks.hold,
)
