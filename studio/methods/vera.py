"""VeRA: shares one random pair of matrices among all layers and trains only two scales a layer."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for VeRA."""

    rank: int = fields.rank(
        256,
        "Width of the shared random matrices; nearly free, since they do not train.",
        at_most=4096,
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "VERA",
        "r": settings.rank,
        "vera_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="vera",
    title="VeRA",
    sentence="Shares one random pair of matrices among all layers and trains only two scales a layer.",
    paragraph=(
        "All layers of one shape share a frozen random pair of narrow matrices; each learns only two "
        "vectors that scale them. The number of trained parameters is a hundredth of LoRA's, the quality "
        "in PEFT's benchmark lower. It can be merged; the file also holds the random matrices."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2310.11454",
    settings=Settings,
    learning_rate=0.001,
    rate_source="PEFT's MetaMathQA benchmark, run vera:default",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
)
