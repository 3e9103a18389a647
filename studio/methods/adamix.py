"""AdaMix: several adapters at each place while it trains, chosen at random, averaged to one at the end."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studio.methods import bottleneck
from studio.methods.base import Base
from studio.methods.method import Method


class Settings(bottleneck.Settings):
    """What can be set for AdaMix."""

    bottleneck: int = Field(
        16,
        ge=1,
        le=4096,
        title="Width of the adapter",
        description="Through how many numbers each adapter passes what it changes. More learns more.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "basic"},
    )
    experts: int = Field(
        4,
        ge=2,
        le=16,
        title="Adapters at each place",
        description="Among how many adapters each step chooses at random. The result is one, their average.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "basic"},
    )
    consistency: float = Field(
        1.0,
        ge=0.0,
        le=10.0,
        title="Agreement",
        description="How strongly two random choices are made to give the same answer.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    norms: bool = Field(
        False,
        title="Train the layer norms too",
        description="The norms of the chosen layers learn beside the adapters.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """Our AdamixConfig as plain data."""
    own = {"peft_type": "ADAMIX", "experts": settings.experts}
    return {**own, **bottleneck.peft_config(settings, base)}


METHOD = Method(
    name="adamix",
    title="AdaMix",
    sentence="Trains several small adapters in turn and averages them to one: often better, twice the time.",
    paragraph=(
        "At each place of the model stand several narrow networks instead of one. Each step sends the rows "
        "through two random choices of them, and makes both choices agree. At the end all are averaged, so "
        "that the file is as small as that of one Houlsby adapter, and answering costs the same. Training "
        "takes about twice as long, since every row passes the model twice. It cannot be merged into the "
        "model."
    ),
    family="additive",
    paper="https://arxiv.org/abs/2205.12410",
    settings=Settings,
    learning_rate=3e-4,
    rate_source="the paper's README (github.com/microsoft/AdaMix): adapters of 16, 4 experts, 3e-4",
    is_mergeable=False,
    peft_config=peft_config,
    unsuited=bottleneck.unsuited,
    why_finished=lambda settings: "its experts were averaged into one plain adapter",
)
