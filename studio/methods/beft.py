"""BEFT: the biases of the value layers alone."""

from __future__ import annotations

from typing import Any

from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.parts import values
from studio.methods.targets import LAYERS, Layers, in_layers, peft_names


class Settings(MethodSettings):
    """What can be set for BEFT."""

    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    chosen = in_layers(values(base), settings.layers, base.depth)
    return {"peft_type": "BEFT", "target_modules": peft_names(chosen, base.linear)}


def unsuited(settings: Settings, base: Base) -> str | None:
    """Why it cannot be used on this base."""
    if values(base):
        return None
    return f"it finds no layers for values in models of the kind '{base.family}'"


METHOD = Method(
    name="beft",
    title="BEFT",
    sentence="Trains only a shift of each attention's values: among the smallest files there are.",
    paragraph=(
        "Each attention layer makes values from what it reads; only a learned shift (bias) of these values "
        "trains. A few thousand numbers, hardly any cost, and a quality well below LoRA's in PEFT's "
        "benchmark. It stays a file beside the model: where the model has no biases there is nothing to "
        "merge it into."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2509.15974",
    settings=Settings,
    learning_rate=1e-3,
    rate_source=(
        "its authors' script for text (github.com/whubaichuan/BEFT): 1e-3 for most tasks; PEFT's benchmark "
        "used 1e-4 and learned slowly"
    ),
    is_mergeable=False,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    unsuited=unsuited,
)
