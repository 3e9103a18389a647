"""FAR, freeze and reconfigure: finds the feed-forward nodes that learn most, and trains only those."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studio.methods import fields
from studio.methods.base import Base, Module
from studio.methods.blocks import feed_forwards
from studio.methods.method import Method, MethodSettings
from studio.methods.rates import share_of_whole_weights
from studio.methods.targets import LAYERS, Layers, layer_numbers


class Settings(MethodSettings):
    """What can be set for FAR."""

    share: float = Field(
        0.1,
        gt=0.0,
        le=1.0,
        title="Share of the nodes that learn",
        description="How many of each layer's inner nodes learn; the rest stay as they are.",
        json_schema_extra={"unit": "share", "cost": "memory", "level": "basic"},
    )
    priming_share: float = Field(
        0.1,
        gt=0.0,
        le=0.9,
        title="Length of the priming",
        description="The share of the run's steps in which all nodes learn, to see which move most.",
        json_schema_extra={"unit": "share", "cost": "", "level": "advanced"},
    )
    keeps_primed: bool = fields.switch(
        "Learners keep what priming taught",
        "Otherwise they begin again at the base's numbers. Nodes that are not chosen always do.",
    )
    layers: Layers = LAYERS


def _chosen(settings: Settings, base: Base) -> list[tuple[str, tuple[Module, ...], Module]] | None:
    """Of the chosen layers: a name, the modules into their inner nodes and the one out; None without any."""
    wanted = layer_numbers(settings.layers, base.depth)
    found = [
        (block.name, into, out)
        for block, into, out in feed_forwards(base) or ()
        if block.layer in wanted
    ]
    return found or None


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """Our FarConfig as plain data."""
    chosen = _chosen(settings, base) or []
    return {
        "peft_type": "FAR",
        "share": settings.share,
        "inward": [module.name for _, into, _ in chosen for module in into],
        "target_modules": [module.name for _, into, out in chosen for module in (*into, out)],
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """Each layer must have one feed-forward with inner nodes of its own."""
    if _chosen(settings, base) is None:
        return (
            "its layers have no feed-forward of plain linear layers with one row and column for each inner "
            "node (experts and projections in one piece, such as Phi-3's, have not)"
        )
    return None


METHOD = Method(
    name="far",
    title="FAR (freeze and reconfigure)",
    sentence="Finds out in a few steps which feed-forward nodes learn most, and trains only those.",
    paragraph=(
        "In the first steps every inner node of the feed-forwards learns, and it is noted how far each one "
        "moved. Then those that moved most in each layer become the learners, and only their numbers train "
        "on; everything else stays frozen. The file holds the learners alone, and can be merged into the "
        "model. It was made for small models on small devices. We could read its paper's summary only, "
        "so these are assumptions: the choice is made in each layer by the sum of absolute changes; all "
        "but the learners is frozen, attention and norms too; all numbers go back to the base's "
        "after priming. Priming takes memory for all feed-forward weights, about 16 bytes each. Early "
        "stopping looks at what comes after it only."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2205.01541",
    settings=Settings,
    learning_rate=2e-5,
    rate_source="ours, as full fine-tuning, since whole weights move; not measured",
    rate_share=share_of_whole_weights,
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=unsuited,
    why_finished=lambda settings: "which nodes are its learners was settled",
)
