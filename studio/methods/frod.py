"""FRoD: learns in the layer's own main directions, with a thin net of links between them."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for FRoD."""

    links: float = fields.number(
        0.01,
        "Share of links",
        "Share of all possible links between directions that train.",
        at_least=0.0001,
        at_most=0.5,
        cost="memory",
        level="basic",
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "FROD",
        "sparse_rate": settings.links,
        "frod_dropout": settings.dropout,
        "progressbar": False,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="frod",
    title="FRoD",
    sentence="Learns in the layer's own main directions, with a thin net of links between them.",
    paragraph=(
        "Each layer's weights are taken apart once into directions that all layers share; what trains are "
        "scales and a sparse set of links between directions. Few parameters with the quality of LoRA in "
        "PEFT's benchmark, but taking the weights apart takes long and steps were more than twice as "
        "slow. It can be merged."
    ),
    family="re-parametrised",
    paper="https://doi.org/10.1609/aaai.v40i31.39813",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run frod:default",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
)
