"""C3A: learns each layer's change as circles of numbers that are folded over the input."""

from __future__ import annotations

from typing import Any

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets
from studio.methods.widths import offered, settle


class Settings(MethodSettings):
    """What can be set for C3A."""

    block_size: int | None = fields.size(
        "Size of a block", "Smaller blocks learn more and make a larger file.", at_most=1024
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "C3A",
        "block_size": settle(
            settings.block_size, offered(settings, base, at_most=1024), "block_size", usual=256
        ),
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="c3a",
    title="C3A",
    sentence="Learns each layer's change as circles of numbers that are folded over the input.",
    paragraph=(
        "The change of each layer is made of blocks in which every row is the row above, shifted by one; "
        "such a block is learned as one row and applied quickly (circular convolution). Few parameters "
        "reach full rank. It needs a very high learning rate. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2407.19342",
    settings=Settings,
    learning_rate=0.3,
    rate_source="PEFT's MetaMathQA benchmark, run c3a:default",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    takes_conv1d=False,
    choices=lambda settings, base: {"block_size": offered(settings, base, at_most=1024)},
)
