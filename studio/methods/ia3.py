"""(IA)³: learned factors for keys, values and the feed-forward's inner values."""

from __future__ import annotations

from typing import Any

from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.parts import feed_forward_ends, keys_and_values
from studio.methods.targets import LAYERS, Layers, in_layers


class Settings(MethodSettings):
    """What can be set for (IA)³."""

    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration: factors of what keys and values give, and of what the feed-forward's end gets."""
    chosen = [*keys_and_values(base), *feed_forward_ends(base)]
    named = {module.name for module in in_layers(chosen, settings.layers, base.depth)}
    targets = [module for module in base.linear if module.name in named]
    ends = [module for module in feed_forward_ends(base) if module.name in named]
    return {
        "peft_type": "IA3",
        # By full names: PEFT compares the two lists name by name.
        "target_modules": [module.name for module in targets],
        "feedforward_modules": [module.name for module in ends],
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """Why it cannot be used on this base."""
    if keys_and_values(base) or feed_forward_ends(base):
        return None
    return f"it finds no keys, values or feed-forward in models of the kind '{base.family}'"


METHOD = Method(
    name="ia3",
    title="(IA)³",
    sentence="Learns one factor for each inner value: almost nothing to store, a gentle change.",
    paragraph=(
        "Keys, values and the inner values of the feed-forward are each multiplied by a learned factor "
        "(Infused Adapter by Inhibiting and Amplifying Inner Activations). A few thousand to a few hundred "
        "thousand numbers train, so files are tiny and a handful of examples can be enough; it learns less "
        "that is new than LoRA. It can be merged."
    ),
    family="additive",
    paper="https://arxiv.org/abs/2205.05638",
    settings=Settings,
    learning_rate=3e-3,
    rate_source="(IA)³ paper, section 3.5 (arXiv:2205.05638); PEFT's benchmark found 1e-4 far too low",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=unsuited,
    is_well_known=True,
)
