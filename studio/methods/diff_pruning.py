"""Diff Pruning: learns a change of every weight, then keeps and trains only the few that matter most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.rates import share_of_whole_weights
from studio.methods.targets import LAYERS, TARGETS, Layers, Targets, choose


class Settings(MethodSettings):
    """What can be set for Diff Pruning."""

    formerly: ClassVar[Mapping[str, str]] = {"share": "sparsity"}

    sparsity: float = Field(
        0.005,
        gt=0.0,
        le=0.5,
        title="Share of the weights that change",
        description="How many of the chosen layers' weights change in the end; 0.005 is one in two hundred.",
        json_schema_extra={"unit": "share", "cost": "", "level": "basic"},
    )
    groups: Literal["none", "matrix", "row"] = Field(
        "matrix",
        title="Switched off together",
        description="Besides one gate for each weight, one for each matrix or each row, so that what is not "
        "needed goes as a whole (the paper's structured kind).",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    penalty: float = Field(
        1.25e-7,
        ge=0.0,
        le=1.0,
        title="Price of a change",
        description="What each weight that is expected to change adds to the loss in the first part.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    first_share: float = Field(
        0.5,
        ge=0.05,
        le=0.95,
        title="Length of the first part",
        description="The share of the run's steps in which all changes are learned, before most are cut off.",
        json_schema_extra={"unit": "share", "cost": "", "level": "advanced"},
    )
    gate_factor: float = Field(
        100.0,
        gt=0.0,
        le=10_000.0,
        title="Rate of the gates",
        description="How many times as fast as the weights the gates learn.",
        json_schema_extra={"unit": "times", "cost": "", "level": "advanced"},
    )
    last_factor: float = Field(
        10.0,
        gt=0.0,
        le=10_000.0,
        title="Rate after the cut",
        description="How many times as fast the changes that are left learn in the second part.",
        json_schema_extra={"unit": "times", "cost": "", "level": "advanced"},
    )
    targets: Targets = TARGETS
    layers: Layers = LAYERS


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """Our DiffPruningConfig as plain data."""
    return {
        "peft_type": "DIFF_PRUNING",
        "groups": settings.groups,
        # By full names: the file says of each how many changes it holds.
        "target_modules": [module.name for module in choose(settings, base)],
    }


def rate_factor(settings: Settings, parameter: str) -> float:
    """Gates learn faster than the weights, and what is left after the cut at a rate of its own."""
    if "diff_pruning_gate" in parameter or "diff_pruning_group" in parameter:
        return settings.gate_factor
    return settings.last_factor if "diff_pruning_values" in parameter else 1.0


METHOD = Method(
    name="diff_pruning",
    title="Diff Pruning",
    sentence="Finds the few weights worth changing and trains only those; takes a lot of memory to find them.",
    paragraph=(
        "In the first part of the run a change of every weight is learned, each behind a gate that pushes "
        "towards no change. Then the changes are sorted by size, all but the set share are dropped, and in "
        "the second part only those that are left are trained on. The file lists them and nothing else, and "
        "can be merged into the model. Finding them costs more memory than full fine-tuning: about 32 "
        "bytes for each weight of the chosen layers in the first part (two numbers, each with its gradient "
        "and the optimizer's two); what this machine can never hold is refused before it starts. The paper "
        "changes all parameters; here it is the linear layers. Early stopping looks at the second part only."
    ),
    family="selective",
    paper="https://arxiv.org/abs/2012.07463",
    settings=Settings,
    learning_rate=2e-5,
    rate_source=(
        "as full fine-tuning, since every weight moves (the authors' README: 1e-5 for BERT); the factors of "
        "gates and of the second part are ours, from short runs"
    ),
    rate_share=share_of_whole_weights,
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    rate_factor=rate_factor,
    why_finished=lambda settings: "which weights it changes was settled",
)
