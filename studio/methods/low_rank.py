"""What LoRA and the methods made of it share: settings, the layers they choose, what PEFT is told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from studio.methods import ranks
from studio.methods.base import Base, Module
from studio.methods.method import MethodSettings
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose, is_named, peft_targets

# Start values that are taken from the base's weights, and taken off again beside the adapter.
FROM_WEIGHTS = frozenset({"pissa", "olora"})


class Pattern(dict[str, Any]):
    """A mapping that stays as it is, so that settings remain values."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


Ranks = Annotated[dict[str, Annotated[int, Field(ge=1, le=1024)]], AfterValidator(Pattern)]
Alphas = Annotated[dict[str, Annotated[float, Field(gt=0, le=4096)]], AfterValidator(Pattern)]


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
    init: Literal["default", "gaussian", "pissa", "olora", "loftq", "eva"] = Field(
        "default",
        title="Start values",
        description="Random (default, gaussian); the strongest part of each weight (pissa, olora: learns "
        "faster, a file twice as large); what holding the base in 4 bits lost (loftq); what stands out in "
        "your data (eva).",
        json_schema_extra={"unit": "", "cost": "time", "level": "advanced"},
    )
    rank_pattern: Ranks = Field(
        Pattern(),
        title="Ranks of single modules",
        description='Another rank for some modules, by name: {"q_proj": 8}.',
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )
    alpha_pattern: Alphas = Field(
        Pattern(),
        title="Strengths of single modules",
        description='Another alpha for some modules, by name: {"q_proj": 16}.',
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
        "init_lora_weights": "gaussian" if settings.init == "gaussian" else True,
        "rank_pattern": dict(settings.rank_pattern),
        "alpha_pattern": dict(settings.alpha_pattern),
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """What single settings speak against on this base."""
    if settings.init == "loftq" and base.quantization not in ("nf4", "fp4"):
        return 'init "loftq" makes up for what 4 bits lose: it needs the base in nf4 or fp4'
    if settings.init in FROM_WEIGHTS and settings.dora:
        return f'init "{settings.init}" and dora cannot be used together: switch one of them off'
    chosen = choose(settings, base)
    for name in (*settings.rank_pattern, *settings.alpha_pattern):
        if not any(is_named(module.name, [name]) for module in chosen):
            known = ", ".join(sorted({module.last_name for module in chosen}))
            return f"a pattern names '{name}', but what learns here is {known}"
    for pattern, modules in _by_pattern(settings, chosen).items():
        _refuse_too_high(settings, pattern, modules)
    return None


def _by_pattern(settings: Settings, chosen: list[Module]) -> dict[str, list[Module]]:
    """The modules of each rank pattern, of the first that names one; those of none under ""."""
    found: dict[str, list[Module]] = {}
    for module in chosen:
        named = (name for name in settings.rank_pattern if is_named(module.name, [name]))
        found.setdefault(next(named, ""), []).append(module)
    return found


def _refuse_too_high(settings: Settings, pattern: str, modules: list[Module]) -> None:
    """Some layer must have room for the rank; where start values are directions of it, every layer must."""
    rank = settings.rank_pattern.get(pattern, settings.rank)
    field = "rank_pattern" if pattern else "rank"
    ranks.refuse_idle(rank, map(ranks.room, modules), field=field)
    if settings.init not in ("default", "gaussian"):
        narrowest = min(modules, key=ranks.room)
        most = ranks.room(narrowest)
        reason = f'init "{settings.init}" allows ranks up to {most} ({narrowest.last_name})'
        ranks.refuse(rank, most, reason, field=field)


# What decides neither shape nor scale of what is learned.
FREE_SETTINGS = frozenset({"dropout", "init", "plus_ratio"})


def why_finished(settings: Settings) -> str | None:
    """Start values from the weights are written out beside what was learned, as a LoRA of twice the rank."""
    if settings.init not in FROM_WEIGHTS:
        return None
    return f'with init "{settings.init}" it left a LoRA of twice the rank'


def rate_factor(settings: Settings, parameter: str) -> float:
    """LoRA+ (arXiv:2402.12354): B learns `plus_ratio` times faster than A."""
    return settings.plus_ratio if settings.plus_ratio and "lora_B" in parameter else 1.0


def rate_share(parameters: int) -> float:
    """Half above 20 billion parameters: a rule of thumb for what is usual there; not measured by us."""
    return 1.0 if parameters <= 20e9 else 0.5
