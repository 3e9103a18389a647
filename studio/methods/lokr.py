"""LoKr: builds each layer's change from two small matrices by tiling one with the other; tiny files."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for LoKr."""

    rank: int = fields.rank(32)
    alpha: int = fields.number(
        32,
        "Strength of the adapter",
        "The update is scaled by alpha / rank.",
        at_least=1,
        at_most=4096,
    )
    factor: int = fields.number(
        4,
        "Size of the pattern",
        "How often the smaller matrix is laid along each side (Kronecker factor).",
        at_least=2,
        at_most=64,
        cost="memory",
    )
    dropout: float = fields.dropout("Share of the ranks left out at random in each step.")
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "LOKR",
        "r": settings.rank,
        "alpha": settings.alpha,
        "decompose_factor": settings.factor,
        "rank_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="lokr",
    title="LoKr",
    sentence="Builds each layer's change from two small matrices by tiling one with the other; tiny files.",
    paragraph=(
        "The change of each layer is the Kronecker product of two small matrices: one says how copies of "
        "the other are laid over the layer. A tenth of LoRA's parameters gave nearly its quality in "
        "PEFT's benchmark, at a higher learning rate and somewhat slower. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2309.14859",
    settings=Settings,
    learning_rate=0.003,
    rate_source="PEFT's MetaMathQA benchmark, run lokr:rank32-factor4-lr0.003",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
)
