"""VB-LoRA: builds every adapter from one shared bank of vectors; the smallest files."""

from __future__ import annotations

from typing import Any

from studio.methods import fields, ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets
from studio.methods.widths import offered, settle


class Settings(MethodSettings):
    """What can be set for VB-LoRA."""

    rank: int = fields.rank(4)
    vectors: int = fields.number(
        256,
        "Vectors in the bank",
        "More vectors learn more.",
        at_least=2,
        at_most=100000,
        cost="memory",
    )
    vector_length: int | None = fields.size(
        "Length of the vectors", "How many numbers each vector of the bank has.", at_most=1024
    )
    mixed: int = fields.number(
        2, "Vectors mixed", "How many vectors make up each piece (top-k).", at_least=1, at_most=16
    )
    dropout: float = fields.dropout()
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's configuration as plain data."""
    return {
        "peft_type": "VBLORA",
        "r": settings.rank,
        "num_vectors": settings.vectors,
        "vector_length": settle(
            settings.vector_length,
            offered(settings, base, at_most=1024),
            "vector_length",
            usual=256,
        ),
        "topk": settings.mixed,
        "vblora_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
    }


def _choices_learn_faster(settings: Settings, parameter: str) -> float:
    """The choices learn ten times as fast as the bank (VB-LoRA paper, appendix; PEFT's guide)."""
    return 10.0 if "vblora_logits" in parameter else 1.0


METHOD = Method(
    name="vblora",
    title="VB-LoRA",
    sentence="Builds every adapter from one shared bank of vectors; the smallest files.",
    paragraph=(
        "All narrow matrices of all layers are put together from one bank of vectors: each piece is a "
        "mixture of the few vectors that suit it best, and both the bank and the choices train. The file "
        "can be very small; it needs a high learning rate. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2405.15179",
    settings=Settings,
    learning_rate=0.001,
    rate_source="VB-LoRA paper and PEFT's guide: 1e-3 for the bank, 1e-2 for the choices",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    choices=lambda settings, base: {"vector_length": offered(settings, base, at_most=1024)},
    rate_factor=_choices_learn_faster,
    unsuited=ranks.hold,
)
