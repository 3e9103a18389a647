"""Prompt tuning: words that are no words, learned and put before every question."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.soft_prompts import UNMERGEABLE, prompt_config


class Settings(MethodSettings):
    """What can be set for prompt tuning."""

    virtual_tokens: int = fields.virtual_tokens()
    init: Literal["vocabulary", "random"] = Field(
        "vocabulary",
        title="Start values",
        description="Begin with tokens drawn from the model's own vocabulary, or with random numbers.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    text: str = Field(
        "",
        max_length=20_000,
        title="Begin with a text",
        description="An instruction to begin with instead, cut or repeated to the length of the prompt.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's PromptTuningConfig as plain data."""
    return {
        "peft_type": "PROMPT_TUNING",
        "prompt_tuning_init": "SAMPLE_VOCAB" if settings.init == "vocabulary" else "RANDOM",
        **prompt_config(settings.virtual_tokens, base),
    }


METHOD = Method(
    name="prompt_tuning",
    title="Prompt tuning",
    sentence="Learns a short invisible instruction before every question; tiny file, limited reach.",
    paragraph=(
        "The model stays exactly as it is. What is learned are a few tokens that stand before every "
        "question, like an instruction that no person could write down: tone, format and the kind of task "
        "can be learned so, new facts hardly. The file is a few dozen kilobytes, so one model can serve many "
        "tasks. In return every question becomes longer by these tokens, learning needs many steps and a high "
        "learning rate, and on small models it stays behind LoRA: 34 % against 48 % of school mathematics "
        "solved in PEFT's comparison on a 3-billion model. It cannot be merged into the model."
    ),
    family="soft prompt",
    paper="https://arxiv.org/abs/2104.08691",
    settings=Settings,
    learning_rate=1e-3,
    rate_source=(
        "PEFT's method comparison (MetaMathQA, Llama-3.2-3B): 1e-3 from the vocabulary, 34.3 %; "
        "1e-4 gave 5.7 %"
    ),
    is_mergeable=False,
    memory="exact",
    unmergeable=UNMERGEABLE,
    peft_config=peft_config,
    packs=False,
    is_well_known=True,
    free_settings=frozenset({"init", "text"}),
)
