"""Intrinsic prompt tuning: a prompt made of a few numbers, within what earlier prompts have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.soft_prompts import UNMERGEABLE, prompt_config


def _as_tuple(value: Any) -> Any:
    """JSON has lists; a frozen value holds tuples."""
    return tuple(value) if isinstance(value, list) else value


class Settings(MethodSettings):
    """What can be set for intrinsic prompt tuning."""

    virtual_tokens: int = fields.virtual_tokens(
        20,
        "How many learned tokens stand before each question; as many as the earlier prompts had.",
    )
    dimension: int = Field(
        250,
        ge=1,
        le=4096,
        title="Numbers that learn",
        description="Of how many numbers the whole prompt is made. The paper's 250 did nearly all that a "
        "prompt can; 5 did most of it.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )
    inner: int = Field(
        128,
        ge=1,
        le=4096,
        title="Width of the network",
        description="Inner width of the network that makes the prompt of those numbers; it does not train.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )
    earlier: Annotated[Literal["auto", "random"] | tuple[str, ...], BeforeValidator(_as_tuple)] = (
        Field(
            "auto",
            title="Earlier prompts",
            description="Folders of prompts trained on the same base, at least two. Automatic: those of your "
            "finished prompt trainings that fit; where there are fewer than two, as random: a network drawn "
            "by chance, which knows nothing of your tasks.",
            json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
        )
    )


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's PromptTuningConfig as plain data; what the prompt is made by is the tuner's."""
    return {
        "peft_type": "PROMPT_TUNING",
        "prompt_tuning_init": "SAMPLE_VOCAB",
        **prompt_config(settings.virtual_tokens, base),
    }


def unsuited(settings: Settings, base: Base) -> str | None:
    """A prompt of fewer numbers than it is made of, or too few earlier ones."""
    if settings.dimension >= settings.virtual_tokens * base.hidden:
        return (
            f"the prompt itself has {settings.virtual_tokens * base.hidden} numbers, no more than the "
            f"{settings.dimension} that it would be made of; lower 'dimension', or use prompt tuning"
        )
    if isinstance(settings.earlier, tuple) and len(settings.earlier) < 2:
        return (
            'it needs at least two earlier prompts to find what they have in common; set "earlier" to '
            '"random" to do without'
        )
    return None


METHOD = Method(
    name="intrinsic_prompt",
    title="Intrinsic prompt tuning",
    sentence="Learns a prompt by a few hundred numbers at most, from what your earlier prompts have in common.",
    paragraph=(
        "If you have trained prompts for several tasks on one model, a small network first learns to make all "
        "of them from a few numbers each. For a new task only these few numbers are trained, so that it "
        "needs fewer examples and cannot stray far. It is a method of many tasks: without earlier "
        "prompts the network is drawn by chance, which is what the paper compares itself with, and learns "
        "less. The paper's network also learns from the earlier tasks' own examples; here it learns from "
        "their prompts alone. The result is an ordinary prompt, exactly. It cannot be merged into the model."
    ),
    family="soft prompt",
    paper="https://arxiv.org/abs/2110.07867",
    settings=Settings,
    learning_rate=1e-2,
    rate_source="ours: ten times prompt tuning's, since few numbers carry all; not measured",
    is_mergeable=False,
    memory="exact",
    unmergeable=UNMERGEABLE,
    peft_config=peft_config,
    packs=False,
    unsuited=unsuited,
    builds_on="PROMPT_TUNING",
    why_finished=lambda settings: (
        "what it left is a plain prompt, not the few numbers that it was made of"
    ),
)
