"""DEFT: takes some directions out of each layer and puts learned ones in their place."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for DEFT."""

    rank: int = fields.rank(32)
    orthogonal: bool = fields.switch(
        "Upright directions",
        "Makes the removed directions stand upright on each other (QR); slower.",
        cost="time",
    )
    remove_only: bool = fields.switch(
        "Only remove", "Takes directions out and puts nothing in their place (PaRa)."
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "DEFT",
        "r": settings.rank,
        "decomposition_method": "qr" if settings.orthogonal else "relu",
        "para": settings.remove_only,
        "deft_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


METHOD = Method(
    name="deft",
    title="DEFT",
    sentence="Takes some directions out of each layer and puts learned ones in their place.",
    paragraph=(
        "A learned low-rank projection removes part of each layer's weights, and a second matrix puts "
        "something new where it was. About LoRA's quality in PEFT's benchmark. It can be merged."
    ),
    family="re-parametrised",
    paper="https://proceedings.neurips.cc/paper_files/paper/2025/hash/93a34a7138bdad95e874018d5f491cc6-Abstract-Conference.html",
    settings=Settings,
    learning_rate=0.0001,
    rate_source="PEFT's MetaMathQA benchmark, run deft:rank32",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=ranks.hold,
)
