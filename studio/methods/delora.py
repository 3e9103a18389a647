"""DeLoRA: loRA whose change is kept to a length that is learned apart from its direction."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for DeLoRA."""

    rank: int = fields.rank(32)
    boundary: int = fields.number(
        15,
        "How far it may go",
        "Start of the length that each layer's change may have (lambda).",
        at_least=1,
        at_most=1000,
    )
    dropout: float = fields.dropout("Chance that a layer's whole adapter is left out in a step.")
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "DELORA",
        "r": settings.rank,
        "delora_lambda": settings.boundary,
        "module_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="delora",
    title="DeLoRA",
    sentence="LoRA whose change is kept to a length that is learned apart from its direction.",
    paragraph=(
        "The two narrow matrices of LoRA are brought to a fixed length, and one number a layer says how "
        "far the change may go. That keeps training steady at high learning rates and the model near to "
        "what it was. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2503.18225",
    settings=Settings,
    learning_rate=0.001,
    rate_source="PEFT's MetaMathQA benchmark, run delora:rank32",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=ranks.hold,
)
