"""Lily: layers share their matrices: each mixes from a common stock, chosen by its input."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for Lily."""

    rank: int = fields.rank(32)
    stride: int = fields.number(
        1,
        "Layers that share",
        "How many neighbouring layers share the first half.",
        at_least=1,
        at_most=64,
    )
    shared: int = fields.number(
        2,
        "Common stock",
        "How many second halves there are to mix from.",
        at_least=1,
        at_most=64,
        cost="memory",
    )
    scaling: float = fields.number(
        1.0,
        "Strength of the adapter",
        "What the change is multiplied by.",
        at_least=0.01,
        at_most=100,
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "LILY",
        "r": settings.rank,
        "stride_A": settings.stride,
        "num_B": settings.shared,
        "scaling": settings.scaling,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="lily",
    title="Lily",
    sentence="Layers share their matrices: each mixes from a common stock, chosen by its input.",
    paragraph=(
        "One half of each adapter is shared by neighbouring layers, the other half is mixed from a common "
        "stock, weighed by what comes in. The best of PEFT's benchmark, but its files were by far the "
        "largest there, it forgot more than LoRA, and it cannot be merged into the model. As its authors "
        "and PEFT compute it, what comes in is all that is read at once: an answer depends a little on the "
        "other rows of its batch, and rows cannot share a line."
    ),
    family="additive",
    paper="https://arxiv.org/abs/2407.09946",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run lily:rank140-mlp-a2-b2-s8.0",
    is_mergeable=False,
    memory="exact",
    peft_config=peft_config,
    packs=False,
    takes_conv1d=False,
)
