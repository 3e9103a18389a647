"""P-tuning: a learned prompt that a small network makes while it trains."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from studio.methods import fields
from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.soft_prompts import UNMERGEABLE, prompt_config


class Settings(MethodSettings):
    """What can be set for P-tuning."""

    virtual_tokens: int = fields.virtual_tokens()
    encoder: Literal["mlp", "lstm"] = Field(
        "mlp",
        title="Kind of network",
        description="What makes the prompt: three plain layers, or two that read it both ways (the paper's).",
        json_schema_extra={
            "unit": "",
            "cost": "",
            "level": "advanced",
            # An LSTM lays its weights out anew while it runs.
            "memory": {"mlp": "exact", "lstm": "bounded"},
        },
    )
    encoder_hidden: int = Field(
        128,
        ge=1,
        le=16_384,
        title="Width of the network",
        description="Inner width of the network that makes the prompt.",
        json_schema_extra={"unit": "", "cost": "memory", "level": "advanced"},
    )


def peft_config(settings: Settings, base: Base) -> dict[str, Any]:
    """PEFT's PromptEncoderConfig as plain data."""
    return {
        "peft_type": "P_TUNING",
        "encoder_reparameterization_type": settings.encoder.upper(),
        "encoder_hidden_size": settings.encoder_hidden,
        **prompt_config(settings.virtual_tokens, base),
    }


METHOD = Method(
    name="p_tuning",
    title="P-tuning",
    sentence="Prompt tuning through a small network, which makes it learn more steadily; tiny file.",
    paragraph=(
        "As in prompt tuning, a few learned tokens stand before every question and the model stays as it is. "
        "While it trains, a small network makes these tokens, so that they move together; afterwards only the "
        "tokens are kept, a file of a few dozen kilobytes. It came to 35 % of school mathematics in PEFT's "
        "comparison on a 3-billion model, as prompt tuning did (34 %); LoRA reached 48 %. Tone, format and "
        "the kind of task can be learned so, new facts hardly. Every question becomes longer by these tokens. "
        "It cannot be merged into the model."
    ),
    family="soft prompt",
    paper="https://arxiv.org/abs/2103.10385",
    settings=Settings,
    learning_rate=1e-3,
    rate_source=(
        "PEFT's guide to P-tuning (RoBERTa-large on MRPC): 1e-3; its method comparison reached 35.0 % at 1e-4, "
        "in 5,000 steps, which short runs have not"
    ),
    is_mergeable=False,
    memory="exact",
    unmergeable=UNMERGEABLE,
    peft_config=peft_config,
    packs=False,
    why_finished=lambda settings: "the network that made its prompt was not kept",
)
