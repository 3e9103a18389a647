"""OFT: turns each layer's weights in space without stretching them, so what they know keeps its shape."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets
from studio.methods.widths import input_blocks, settle


class Settings(MethodSettings):
    """What can be set for OFT."""

    block_size: int | None = fields.size(
        "Inputs turned together",
        "Larger blocks learn more and cost more (block size).",
        at_most=1024,
    )
    dropout: float = fields.dropout("Share of the rotations left out at random in each step.")
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "OFT",
        "oft_block_size": settle(
            settings.block_size, input_blocks(settings, base, at_most=1024), "block_size", usual=32
        ),
        "module_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="oft",
    title="OFT",
    sentence="Turns each layer's weights in space without stretching them, so what they know keeps its shape.",
    paragraph=(
        "Each layer's weights are multiplied by small rotations, one a block of inputs (orthogonal fine- "
        "tuning). Angles between what the model knows stay the same, which kept forgetting low in PEFT's "
        "benchmark at about LoRA's quality. Steps are somewhat slower than LoRA's. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2306.07280",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run oft:rank32",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    choices=lambda settings, base: {"block_size": input_blocks(settings, base, at_most=1024)},
)
