"""HiRA: multiplies the model's own weights by a low-rank pattern: changes of full rank at LoRA's size."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for HiRA."""

    rank: int = fields.rank(32)
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "HIRA",
        "r": settings.rank,
        "hira_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="hira",
    title="HiRA",
    sentence="Multiplies the model's own weights by a low-rank pattern: changes of full rank at LoRA's size.",
    paragraph=(
        "The low-rank product of LoRA is multiplied, number by number, with the layer's own weights, so "
        "that the change has the full rank of the layer. Among the best in PEFT's benchmark, with a high "
        "learning rate and more forgetting than LoRA. It can be merged."
    ),
    family="re-parametrised",
    paper="https://openreview.net/forum?id=TwJrTz9cRS",
    settings=Settings,
    learning_rate=0.0045,
    rate_source="PEFT's MetaMathQA benchmark, run hira:rank32-lr4.5e-3",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=ranks.hold,
)
