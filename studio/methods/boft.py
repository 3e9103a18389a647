"""BOFT: turns each layer's weights by several small rotations in a row; very few numbers, slow steps."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets
from studio.methods.widths import input_blocks, settle


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
            settings.block_size, input_blocks(settings, base, at_most=64), "block_size", usual=4
        ),
        "boft_n_butterfly_factor": settings.factors,
        "boft_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


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
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    choices=lambda settings, base: {"block_size": input_blocks(settings, base, at_most=64)},
)
