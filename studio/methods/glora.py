"""GLoRA: loRA with learned scales and shifts of the model's own weights and biases beside it."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for GLoRA."""

    rank: int = fields.rank(8)
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "GLORA",
        "r": settings.rank,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="glora",
    title="GLoRA",
    sentence="LoRA with learned scales and shifts of the model's own weights and biases beside it.",
    paragraph=(
        "A general form: each layer's weights are multiplied by a low-rank pattern and added to, and its "
        "bias is scaled, shifted and coupled to the weights. More freedom than LoRA with a few numbers "
        "more. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2306.07967",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run glora:default",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    quantizations=frozenset(),
    takes_conv1d=False,
    unsuited=ranks.hold,
)
