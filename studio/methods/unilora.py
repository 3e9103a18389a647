"""Uni-LoRA: one short vector for the whole model; every number of every LoRA is taken from it."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for Uni-LoRA."""

    rank: int = fields.rank(4)
    length: int = fields.number(
        4096,
        "Length of the vector",
        "How many numbers train in all.",
        at_least=1,
        at_most=10000000,
        cost="memory",
        level="basic",
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "UNILORA",
        "r": settings.rank,
        "theta_d_length": settings.length,
        "unilora_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="unilora",
    title="Uni-LoRA",
    sentence="One short vector for the whole model; every number of every LoRA is taken from it.",
    paragraph=(
        "All numbers of all narrow matrices are drawn from one short vector by a fixed random assignment; "
        "only that vector trains. The file is a few kilobytes. It learns little at usual learning rates, "
        "so give it a high one. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2506.00799",
    settings=Settings,
    learning_rate=0.002,
    rate_source=(
        "its authors' script (github.com/KaiyangLi1992/Uni-LoRA): 2e-3 for MetaMathQA on 7 billion; at 1e-4 "
        "it learned nothing in PEFT's benchmark (0.2 %)"
    ),
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=ranks.hold,
)
