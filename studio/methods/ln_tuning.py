"""LN tuning: the weights of the normalisations alone."""

from __future__ import annotations

from typing import Any

from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.parts import norms
from studio.methods.targets import LAYERS, Layers, in_layers


class Settings(MethodSettings):
    """What can be set for LN tuning."""

    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    chosen = in_layers(norms(base), settings.layers, base.depth)
    return {"peft_type": "LN_TUNING", "target_modules": [module.name for module in chosen]}


def unsuited(settings: Settings, base: Base) -> str | None:
    """Why it cannot be used on this base."""
    return None if norms(base) else "it has no normalisations that could be trained"


METHOD = Method(
    name="ln_tuning",
    title="LN tuning",
    sentence="Trains only the normalisations between the layers; very few numbers, merges exactly.",
    paragraph=(
        "Between its layers a model brings its values to a common scale; only the weights of these "
        "normalisations train. The file is tiny and merging loses nothing. It can change tone and form well, "
        "and learns little that is new; it needs a high learning rate."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2312.11420",
    settings=Settings,
    learning_rate=5e-3,
    rate_source="ours: at 1e-4 it did not even learn the form in PEFT's benchmark (0 %)",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=unsuited,
)
