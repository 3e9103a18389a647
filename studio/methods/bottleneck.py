"""What the methods of narrow networks share: settings, where the networks stand, what speaks against it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from studio.methods.base import Base
from studio.methods.blocks import sublayer_ends
from studio.methods.method import MethodSettings
from studio.methods.targets import LAYERS, Layers, in_layers, layer_numbers


class Settings(MethodSettings):
    """What can be set for every method of narrow networks."""

    bottleneck: int = Field(
        64,
        ge=1,
        le=4096,
        title="Width of the adapter",
        description="Through how many numbers each adapter passes what it changes. More learns more.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "basic"},
    )
    activation: Literal["gelu", "relu", "silu", "tanh"] = Field(
        "gelu",
        title="Curve of the adapter",
        description="What is applied between the adapter's two matrices.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    norms: bool = Field(
        True,
        title="Train the layer norms too",
        description="As in Houlsby's paper: the norms of the chosen layers learn beside the adapters.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """What our configurations of these methods have in common, as plain data."""
    chosen = layer_numbers(settings.layers, base.depth)
    norms = [
        module for module in base.modules if module.kind == "norm" and module.layer is not None
    ]
    return {
        "bottleneck": settings.bottleneck,
        "activation": settings.activation,
        "target_modules": [module.name for module in sublayer_ends(base, chosen) or ()],
        "modules_to_save": [m.name for m in in_layers(norms, settings.layers, base.depth)]
        if settings.norms
        else None,
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """Adapters stand after the last linear layer of attention and feed-forward: both must be there."""
    if sublayer_ends(base, layer_numbers(settings.layers, base.depth)) is None:
        return (
            "its layers are not made of one attention and one feed-forward of plain linear layers each "
            "(experts, for one, are not)"
        )
    return None
