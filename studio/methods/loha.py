"""LoHa: multiplies two low-rank changes number by number: more variety from as few parameters."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for LoHa."""

    rank: int = fields.rank(8)
    alpha: int = fields.number(
        8,
        "Strength of the adapter",
        "The update is scaled by alpha / rank.",
        at_least=1,
        at_most=4096,
    )
    dropout: float = fields.dropout("Share of the ranks left out at random in each step.")
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "LOHA",
        "r": settings.rank,
        "alpha": settings.alpha,
        "rank_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="loha",
    title="LoHa",
    sentence="Multiplies two low-rank changes number by number: more variety from as few parameters.",
    paragraph=(
        "The change of each layer is the product, number by number, of two low-rank matrices (Hadamard "
        "product). It can express changes of higher rank than LoRA with as many parameters, but learned "
        "less in PEFT's benchmark and is slower. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2108.06098",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run loha:rank32",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=ranks.hold,
)
