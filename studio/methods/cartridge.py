"""Cartridge: a text's keys and values, kept and trained instead of being read again."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studio.methods.base import Base
from studio.methods.key_values import TEXT, unsuited
from studio.methods.method import Method, MethodSettings


class Settings(MethodSettings):
    """What can be set for a cartridge."""

    virtual_tokens: int = Field(
        128,
        ge=2,
        le=4096,
        title="Length of the cartridge",
        description="How many places each layer finds before the question; a longer text needs more.",
        json_schema_extra={"unit": "tokens", "cost": "memory", "level": "basic"},
    )
    frozen_tokens: int = Field(
        1,
        ge=0,
        le=64,
        title="Places that stay as they are",
        description="The first places, which models lean on whatever stands there, are kept unchanged.",
        json_schema_extra={"unit": "tokens", "cost": "", "level": "advanced"},
    )
    text: str = TEXT


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's CartridgeConfig as plain data."""
    return {
        "peft_type": "CARTRIDGE",
        "num_virtual_tokens": settings.virtual_tokens,
        "num_frozen_tokens": min(settings.frozen_tokens, settings.virtual_tokens - 1),
    }


METHOD = Method(
    name="cartridge",
    title="Cartridge",
    sentence="Keeps what the model remembers of one text, and trains that memory; for questions about a text.",
    paragraph=(
        "Give it the beginning of a handbook or a contract: what the model remembers of it after reading is "
        "kept in a file and trained further on your questions and answers, so that the text need not be "
        "read again for each question. It is prefix tuning with another purpose and length. The paper trains "
        "it on conversations that the model makes up about the text; here it learns from your own examples, "
        "so they should ask about that text. Each answer attends to the extra places. It cannot be merged into "
        "the model."
    ),
    family="soft prompt",
    paper="https://arxiv.org/abs/2506.06266",
    settings=Settings,
    learning_rate=5e-3,
    rate_source=(
        "ours, as for prefix tuning, which it resembles; not measured for cartridges. To imitate the model's "
        "own answers its authors' readme (github.com/HazyResearch/cartridges) takes 2e-2, PEFT's example 1e-3"
    ),
    is_mergeable=False,
    memory="exact",
    unmergeable="it is what each layer remembers of a text, not a change of the model's weights",
    peft_config=peft_config,
    tasks=frozenset({"CAUSAL_LM"}),
    packs=False,
    recomputes=False,
    unsuited=unsuited,
    free_settings=frozenset({"text"}),
)
