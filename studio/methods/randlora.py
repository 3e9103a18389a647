"""RandLoRA: adds many random low-rank pieces and learns how much of each: full rank from few parameters."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for RandLoRA."""

    rank: int = fields.rank(
        32, "Rank of each random piece; a smaller rank means more pieces and more trained numbers."
    )
    alpha: int = fields.number(
        640, "Strength of the adapter", "Usually twenty times the rank.", at_least=1, at_most=65536
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "RANDLORA",
        "r": settings.rank,
        "randlora_alpha": settings.alpha,
        "randlora_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="randlora",
    title="RandLoRA",
    sentence="Adds many random low-rank pieces and learns how much of each: full rank from few parameters.",
    paragraph=(
        "Each layer's change is a weighted sum of frozen random low-rank pieces, enough of them to reach "
        "full rank; the weights train. About LoRA's quality in PEFT's benchmark with as many trained "
        "parameters, but a very large file, since it also holds the random pieces. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2502.00987",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run randlora:default",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=ranks.hold,
)
