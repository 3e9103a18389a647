"""What LoRA and the methods made of it share: settings, the layers they choose, what PEFT is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from studio.errors import AskedWrongly
from studio.methods.method import LinearModule, MethodSettings

LayerIndex = Annotated[int, Field(ge=0)]


class LastLayers(BaseModel):
    """The uppermost layers only: `{"last": 4}`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    last: Annotated[int, Field(ge=1)]


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
    targets: Literal["all-linear", "attention"] | tuple[str, ...] = Field(
        "all-linear",
        title="Which parts learn",
        description="All linear layers (best quality), the attention layers only (smaller), or module names.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )
    layers: Literal["all"] | LastLayers | tuple[LayerIndex, ...] = Field(
        "all",
        title="Which layers learn",
        description="All layers, the last N only (faster), or a list of layer numbers from 0.",
        json_schema_extra={"unit": "", "cost": "time", "level": "advanced"},
    )
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

    @field_validator("targets", "layers", mode="before")
    @classmethod
    def _lists_are_tuples(cls, value: Any) -> Any:
        """JSON has lists; a frozen value holds tuples."""
        return tuple(value) if isinstance(value, list) else value


def choose(settings: Settings, modules: Sequence[LinearModule]) -> list[LinearModule]:
    """The modules that `targets` and `layers` name, in the model's order.

    Raises AskedWrongly when a name or a layer is not there.
    """
    depth = 1 + max((module.layer for module in modules if module.layer is not None), default=-1)
    wanted_layers = _layers(settings, depth)
    chosen = []
    for module in modules:
        if wanted_layers is not None and module.layer not in wanted_layers:
            continue
        if settings.targets == "attention" and not module.is_attention:
            continue
        if isinstance(settings.targets, tuple) and not _is_named(module.name, settings.targets):
            continue
        chosen.append(module)
    if not chosen:
        known = sorted({module.name.rpartition(".")[2] for module in modules})
        raise AskedWrongly(
            f"No layer of this model is called {settings.targets!r}. It has: {', '.join(known)}.",
            code="spec",
        )
    return chosen


def _layers(settings: Settings, depth: int) -> set[int] | None:
    if settings.layers == "all":
        return None
    if isinstance(settings.layers, LastLayers):
        return set(range(max(0, depth - settings.layers.last), depth))
    wanted = {layer for layer in settings.layers if isinstance(layer, int)}
    if max(wanted, default=0) >= depth:
        raise AskedWrongly(
            f"Layer {max(wanted)} was chosen, but this model has {depth} layers, 0 to {depth - 1}.",
            code="spec",
        )
    return wanted


def _is_named(name: str, targets: Sequence[str]) -> bool:
    return any(name == target or name.endswith(f".{target}") for target in targets)


def peft_config(settings: Settings, modules: Sequence[LinearModule]) -> dict[str, Any]:
    """PEFT's LoraConfig as plain data; modules by their last names where that means the same set."""
    names = [module.name for module in choose(settings, modules)]
    last_names = sorted({name.rpartition(".")[2] for name in names})
    all_of_those = [module.name for module in modules if _is_named(module.name, last_names)]
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": last_names if all_of_those == names else names,
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
