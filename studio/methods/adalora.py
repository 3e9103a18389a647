"""AdaLoRA: a low-rank update whose rank moves to the layers that need it while it trains."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studio.methods import ranks
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, peft_targets


class Settings(MethodSettings):
    """What can be set for AdaLoRA."""

    rank: int = Field(
        8,
        ge=1,
        le=1024,
        title="Capacity at the end",
        description="The rank that is left at the end, as a mean over the layers.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "basic"},
    )
    start_rank: int = Field(
        12,
        ge=2,
        le=2048,
        title="Capacity at the start",
        description="The rank every layer begins with; above the rank at the end, half as much again is usual.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )
    alpha: float = Field(
        32,
        gt=0,
        le=4096,
        title="Strength of the adapter",
        description="The update is scaled by alpha / start_rank.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    dropout: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        title="Dropout",
        description="Share of the adapter's inputs left out at random in each step; helps with little data.",
        json_schema_extra={"unit": "share", "cost": "", "level": "advanced"},
    )
    first_share: float = Field(
        0.1,
        ge=0.0,
        le=0.45,
        title="Before ranks move",
        description="The share of the run's steps in which every layer keeps the rank it began with.",
        json_schema_extra={"unit": "share", "cost": "", "level": "advanced"},
    )
    last_share: float = Field(
        0.5,
        ge=0.0,
        le=0.9,
        title="After ranks have moved",
        description="The share of the run's steps at the end in which the ranks stay as they are.",
        json_schema_extra={"unit": "share", "cost": "", "level": "advanced"},
    )
    orthogonality: float = Field(
        0.1,
        ge=0.0,
        le=10.0,
        title="Orthogonality",
        description="How strongly the directions of an update are kept apart, so that they can be ranked.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's AdaLoraConfig as plain data; the schedule is set once the run's length is known."""
    return {
        "peft_type": "ADALORA",
        "target_r": settings.rank,
        "init_r": settings.start_rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "orth_reg_weight": settings.orthogonality,
        "target_modules": peft_targets(settings, base),
        # A schedule that never begins.
        "total_step": 10**9,
        "tinit": 10**8,
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """What single settings speak against."""
    if settings.start_rank <= settings.rank:
        return (
            f"start_rank ({settings.start_rank}) must be above rank ({settings.rank}): AdaLoRA takes "
            "rank away; half as much again is usual"
        )
    if settings.first_share + settings.last_share >= 1:
        return (
            f"first_share ({settings.first_share:g}) and last_share ({settings.last_share:g}) together leave "
            "no steps in which ranks could move: lower one, so that their sum is below 1"
        )
    rooms = map(ranks.room, choose(settings, base))
    ranks.refuse_idle(settings.start_rank, rooms, field="start_rank")
    return None


METHOD = Method(
    name="adalora",
    title="AdaLoRA",
    sentence="LoRA that finds out while it trains which layers need more of it, and takes it from the rest.",
    paragraph=(
        "Every layer begins with a low-rank update in three parts, so that each direction has a strength "
        "of its own. While it trains, the directions that matter least are switched off, step by step, "
        "until the mean rank is the one you set; then the rest is trained to the end. The shares of these "
        "phases follow the length of your run. The result is saved as plain LoRA, with a rank for each "
        "layer, and can be merged. With little data or a short run plain LoRA is often as good."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2303.10512",
    settings=Settings,
    learning_rate=5e-4,
    rate_source=(
        "its authors' scripts (github.com/QingruZhang/AdaLoRA): 5e-4 (MNLI, XSum) to 2.2e-3 (STS-B); "
        "the lowest"
    ),
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    unsuited=unsuited,
    why_finished=lambda settings: (
        "its ranks were given out and its singular values became part of a plain LoRA"
    ),
)
