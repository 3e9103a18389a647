"""Prefix tuning: learned keys and values that every layer finds before every question."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studio.methods.base import Base
from studio.methods.key_values import TEXT, unsuited
from studio.methods.method import Method, MethodSettings


class Settings(MethodSettings):
    """What can be set for prefix tuning."""

    virtual_tokens: int = Field(
        50,
        ge=1,
        le=1000,
        title="Length of the prefix",
        description="How many learned places each layer finds before the question. More can hold more.",
        json_schema_extra={"unit": "tokens", "cost": "memory", "level": "basic"},
    )
    projection: bool = Field(
        False,
        title="Learn through a network",
        description=(
            "Make the prefix by a small network that is thrown away afterwards: steadier, many more "
            "parameters while it trains, and no start from a text."
        ),
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )
    projection_hidden: int = Field(
        512,
        ge=1,
        le=16_384,
        title="Width of the network",
        description="Inner width of that network; only with 'Learn through a network'.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )
    text: str = TEXT


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's PrefixTuningConfig as plain data; what it begins as is the tuner's."""
    network = {"encoder_hidden_size": settings.projection_hidden} if settings.projection else {}
    return {
        "peft_type": "PREFIX_TUNING",
        "num_virtual_tokens": settings.virtual_tokens,
        "prefix_projection": settings.projection,
        "init_weights": "zero",
        **network,
    }


METHOD = Method(
    name="prefix_tuning",
    title="Prefix tuning",
    sentence="Learns what every layer remembers before the question; stronger than a prompt, small file.",
    paragraph=(
        "The model stays exactly as it is. Every layer is given some learned places to look at, as if a text "
        "had been read before the question. It begins as a real text, which matters: in PEFT's comparison "
        "on a 3-billion model 42 % of school mathematics were solved from a text, 36 % from zero and 19 % at a "
        "lower learning rate from chance; LoRA reached 48 %. The file is a few megabytes. Each answer "
        "attends to the extra places, so it becomes a little slower and the longest text a little shorter. It "
        "cannot be merged into the model, and intermediate results cannot be computed twice to save memory."
    ),
    family="soft prompt",
    paper="https://arxiv.org/abs/2101.00190",
    settings=Settings,
    learning_rate=5e-3,
    rate_source=(
        "PEFT's method comparison (MetaMathQA, Llama-3.2-3B): 5e-3, 50 tokens begun as a text, 41.6 %; "
        "1e-3 gave 18.6 %"
    ),
    is_mergeable=False,
    memory="exact",
    unmergeable="it is what each layer remembers before the question, not a change of the model's weights",
    peft_config=peft_config,
    packs=False,
    recomputes=False,
    unsuited=unsuited,
    why_finished=lambda settings: (
        "the network that made its prefix was not kept" if settings.projection else None
    ),
    free_settings=frozenset({"text"}),
)
