"""OSF: trains whole weights, but never along the directions that matter most to what the model knows."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for OSF."""

    kept: float = fields.number(
        0.5,
        "Share that is kept",
        "Share of each layer's directions, the strongest, that stay as they are.",
        at_least=0.05,
        at_most=0.99,
        cost="memory",
        level="basic",
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "OSF",
        "effective_rank": settings.kept,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="osf",
    title="OSF",
    sentence="Trains whole weights, but never along the directions that matter most to what the model knows.",
    paragraph=(
        "Each layer's weights are taken apart; the strongest directions are frozen and the rest trains, "
        "kept at right angles to them. It forgot least but one in PEFT's benchmark; it trains many "
        "parameters, so it needs nearly the memory of full fine-tuning and its result is large. It can be "
        "merged."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2504.07097",
    settings=Settings,
    learning_rate=5e-05,
    rate_source="PEFT's MetaMathQA benchmark, run osf:rank128",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
)
