"""BOFT: turns each layer's weights by several small rotations in a row; very few numbers, slow steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from studio.methods import fields
from studio.methods.base import Base, common_divisors
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets
from studio.methods.widths import settle


class Settings(MethodSettings):
    """What can be set for BOFT."""

    block_size: int | None = fields.size(
        "Inputs turned together", "Larger blocks learn more and cost more (block size).", at_most=64
    )
    factors: int = fields.number(
        1,
        "Rotations in a row",
        "Butterfly factors: more mix inputs that lie further apart.",
        at_least=1,
        at_most=4,
    )
    dropout: float = fields.dropout("Share of the rotations left out at random in each step.")
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "BOFT",
        "boft_block_size": settle(
            settings.block_size, _blocks(settings, base), "block_size", usual=4
        ),
        "boft_n_butterfly_factor": settings.factors,
        "boft_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


def _blocks(settings: Settings, base: Base) -> tuple[int, ...]:
    """Sizes from 2 that divide the inputs of every layer that learns: a block of one cannot turn."""
    inputs = [replace(module, outputs=module.inputs) for module in choose(settings, base)]
    return tuple(size for size in common_divisors(inputs, at_most=64) if size > 1)


METHOD = Method(
    name="boft",
    title="BOFT",
    sentence="Turns each layer's weights by several small rotations in a row; very few numbers, slow steps.",
    paragraph=(
        "Like OFT, with the rotation made of several sparse ones laid over one another like a butterfly, "
        "so that fewer numbers train. In PEFT's benchmark it took seven times as long as LoRA and learned "
        "less; take it where forgetting must be least and time does not matter. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2311.06243",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run boft:default",
    is_mergeable=True,
    peft_config=peft_config,
    takes_conv1d=False,
    choices=lambda settings, base: {"block_size": _blocks(settings, base)},
)
