"""SuperTuning: trains only the largest single weights of each layer; all others stay."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for SuperTuning."""

    sparsity: float = fields.number(
        0.99,
        "Share that stays",
        "Share of each layer's weights that do not change.",
        at_least=0.0,
        at_most=0.9999,
        cost="memory",
        level="basic",
    )
    largest: bool = fields.switch(
        "The largest", "Trains the largest weights; off: the smallest.", default=True
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "SUPERTUNING",
        "sparsity": settings.sparsity,
        "select_top": settings.largest,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="supertuning",
    title="SuperTuning",
    sentence="Trains only the largest single weights of each layer; all others stay.",
    paragraph=(
        "In each layer the weights that are largest are trained, one in a hundred unless you choose "
        "otherwise. Few numbers change, and merging loses nothing; the file must also say which ones they "
        "are."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2607.09287",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's example (examples/supertuning_finetuning): 1e-4; it has no run in PEFT's benchmark",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
)
