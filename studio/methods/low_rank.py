"""What LoRA and the methods made of it share: settings, the layers they choose, what PEFT is told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from studio.methods.base import Base
from studio.methods.method import MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, peft_targets


class Settings(MethodSettings):
    """What can be set for LoRA."""

    rank: int = Field(
        16,
        ge=1,
        le=1024,
        title="Capacity of the adapter",
        description="How much the adapter can learn (rank). More rank, more memory and a larger file.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "basic"},
    )
    alpha: float = Field(
        32,
        gt=0,
        le=4096,
        title="Strength of the adapter",
        description="The update is scaled by alpha / rank. Twice the rank is a good start.",
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
    targets: Targets = TARGETS
    layers: Layers = LAYERS
    rslora: bool = Field(
        False,
        title="Rank-stabilised scaling",
        description="Scales by alpha / sqrt(rank) instead of alpha / rank; better at ranks above 32 (rsLoRA).",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    dora: bool = Field(
        False,
        title="Learn length and direction apart",
        description="Splits each weight into length and direction (DoRA); a little better, slower.",
        json_schema_extra={"unit": "", "cost": "time", "level": "advanced"},
    )
    init: Literal["default", "gaussian"] = Field(
        "default",
        title="Start values",
        description="How the adapter's first matrix is filled; the second one starts at zero.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    plus_ratio: float | None = Field(
        None,
        ge=1.0,
        le=64.0,
        title="Faster second matrix",
        description="How many times faster the second matrix learns (LoRA+); empty: as fast as the first.",
        json_schema_extra={"unit": "times", "cost": "", "level": "advanced"},
    )


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's LoraConfig as plain data."""
    return {
        "peft_type": "LORA",
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": peft_targets(settings, base),
        "use_rslora": settings.rslora,
        "use_dora": settings.dora,
        "init_lora_weights": True if settings.init == "default" else settings.init,
    }


def rate_factor(settings: Settings, parameter: str) -> float:
    """LoRA+ (arXiv:2402.12354): B learns `plus_ratio` times faster than A."""
    return settings.plus_ratio if settings.plus_ratio and "lora_B" in parameter else 1.0


def rate_share(parameters: int) -> float:
    """Half above 20 billion parameters: a rule of thumb for what is usual there; not measured by us."""
    return 1.0 if parameters <= 20e9 else 0.5
