"""HRA: mirrors each layer's inputs at a few learned planes; between LoRA and OFT."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets


class Settings(MethodSettings):
    """What can be set for HRA."""

    rank: int = fields.rank(8, "The number of reflections; an even number.")
    gram_schmidt: bool = fields.switch(
        "Keep mirrors apart",
        "Makes the planes stand upright on each other (Gram-Schmidt); steadier, slower.",
        cost="time",
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "HRA",
        "r": settings.rank,
        "apply_GS": settings.gram_schmidt,
        "target_modules": peft_targets(settings, base),
    }


def _unsuited(settings: Settings, base: Base) -> str | None:
    """Reflections come in pairs, and as many as there are inputs make any rotation."""
    ranks.refuse_idle(settings.rank, (module.inputs for module in choose(settings, base)))
    return f"its rank must be even, found {settings.rank}" if settings.rank % 2 else None


METHOD = Method(
    name="hra",
    title="HRA",
    sentence="Mirrors each layer's inputs at a few learned planes; between LoRA and OFT.",
    paragraph=(
        "Each layer's weights are multiplied by a chain of reflections (Householder reflections). A chain "
        "is both of low rank and orthogonal, so it lies between LoRA and OFT. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2405.17484",
    settings=Settings,
    learning_rate=0.0001,
    rate_source=(
        "ours, as OFT's in PEFT's benchmark, where it has no run; its authors' script "
        "(github.com/DaShenZi721/HRA) took 1e-5 for 7 billion and 32 rows a step"
    ),
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=_unsuited,
)
