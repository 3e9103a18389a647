"""Houlsby adapters: a narrow network of its own after each attention and each feed-forward."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from studio.methods.base import Base
from studio.methods.blocks import sublayer_ends
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, Layers, in_layers, layer_numbers


class Settings(MethodSettings):
    """What can be set for Houlsby adapters."""

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
        description="As in the paper: the norms of the chosen layers learn beside the adapters.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """Our HoulsbyConfig as plain data."""
    chosen = layer_numbers(settings.layers, base.depth)
    norms = [
        module for module in base.modules if module.kind == "norm" and module.layer is not None
    ]
    return {
        "peft_type": "HOULSBY",
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


METHOD = Method(
    name="houlsby",
    title="Houlsby adapters",
    sentence="Adds a narrow network after each part of each layer; learns well, and stays beside the model.",
    paragraph=(
        "After every attention and every feed-forward a small network is put: down to a few numbers, a "
        "curve, and up again, added to what was there. It begins as nothing and learns while the model "
        "itself stays frozen. It comes close to full fine-tuning with a few percent of the parameters. It "
        "cannot be merged into the model, since it is not a change of the model's weights: the result is "
        "a file beside the model, and answering gets a little slower."
    ),
    family="additive",
    paper="https://arxiv.org/abs/1902.00751",
    settings=Settings,
    learning_rate=3e-4,
    rate_source="Houlsby et al. 2019, section 3.1 (arXiv:1902.00751): the middle one of 3e-5, 3e-4, 3e-3",
    is_mergeable=False,
    peft_config=peft_config,
    unsuited=unsuited,
)
