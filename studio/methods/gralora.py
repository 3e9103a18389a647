"""GraLoRA: cuts each layer into blocks and gives each a small LoRA of its own."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets
from studio.methods.widths import offered


class Settings(MethodSettings):
    """What can be set for GraLoRA."""

    rank: int = fields.rank(
        32, "How much the adapter can learn (rank); it must be a multiple of the blocks."
    )
    alpha: int = fields.number(
        64,
        "Strength of the adapter",
        "The update is scaled by alpha / rank.",
        at_least=1,
        at_most=4096,
    )
    blocks: int = fields.number(
        2,
        "Blocks a side",
        "Into how many parts inputs and outputs are cut; it must divide the layers' widths and the rank.",
        at_least=1,
        at_most=16,
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "GRALORA",
        "r": settings.rank,
        "alpha": settings.alpha,
        "gralora_k": settings.blocks,
        "gralora_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


def _uneven(settings: Settings, base: Base) -> str | None:
    ranks.hold(settings, base)
    if settings.rank % settings.blocks:
        return f"its rank of {settings.rank} is no multiple of its {settings.blocks} blocks"
    able = offered(settings, base, at_most=16)
    if settings.blocks in able:
        return None
    return f"its blocks must be one of {', '.join(map(str, able))} here, found {settings.blocks}"


METHOD = Method(
    name="gralora",
    title="GraLoRA",
    sentence="Cuts each layer into blocks and gives each a small LoRA of its own.",
    paragraph=(
        "Each layer's weights are divided into a grid of blocks, each with its own narrow pair of "
        "matrices, at the parameters of one LoRA. Inputs that are unusually large then disturb one block "
        "only, which lets higher ranks pay. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2505.20355",
    settings=Settings,
    learning_rate=0.0002,
    rate_source="PEFT's MetaMathQA benchmark, run gralora:rank32",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=_uneven,
    choices=lambda settings, base: {"blocks": offered(settings, base, at_most=16)},
)
