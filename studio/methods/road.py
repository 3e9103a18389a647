"""RoAd: turns pairs of each layer's outputs against each other; two numbers a pair."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from studio.methods import fields
from studio.methods.base import Base, common_divisors
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets
from studio.methods.widths import settle


class Settings(MethodSettings):
    """What can be set for RoAd."""

    variant: Literal["road_1", "road_2", "road_4"] = fields.choice(
        "road_1",
        "How much is learned",
        "`road_1` shares its numbers between pairs of a pair, `road_4` learns most.",
    )
    group_size: int | None = fields.size(
        "Outputs in a group", "Outputs are paired within groups of this size.", at_most=256
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "ROAD",
        "variant": settings.variant,
        "group_size": settle(settings.group_size, _groups(settings, base), "group_size", usual=64),
        "target_modules": peft_targets(settings, base),
    }


def _groups(settings: Settings, base: Base) -> tuple[int, ...]:
    """Even sizes that divide the outputs of every layer that learns."""
    outputs = [replace(module, inputs=module.outputs) for module in choose(settings, base)]
    return tuple(size for size in common_divisors(outputs, at_most=256) if size % 2 == 0)


METHOD = Method(
    name="road",
    title="RoAd",
    sentence="Turns pairs of each layer's outputs against each other; two numbers a pair.",
    paragraph=(
        "Outputs of each layer are taken in pairs, and each pair is turned and stretched by two learned "
        "numbers. Almost no parameters and almost no cost; several such adapters can be used in one "
        "batch. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2409.00119",
    settings=Settings,
    learning_rate=0.001,
    rate_source="PEFT's MetaMathQA benchmark, run road:lr_0.001",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    choices=lambda settings, base: {"group_size": _groups(settings, base)},
)
