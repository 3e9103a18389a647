"""Full fine-tuning: every weight of the base model trains."""

from __future__ import annotations

from typing import Any

from studio.methods.base import Base
from studio.methods.method import Method, MethodSettings
from studio.methods.rates import share_of_whole_weights


class Settings(MethodSettings):
    """Full fine-tuning has nothing to set."""


def peft_config(settings: Settings, base: Base) -> dict[str, Any] | None:
    """None: no adapter is added, the model's own weights train."""
    return None


METHOD = Method(
    name="full",
    title="Full fine-tuning",
    sentence="Changes every number in the model; needs the most memory and forgets most easily.",
    paragraph=(
        "Every weight of the base model is trained. It can learn the most, but needs memory for the "
        "gradients and the optimizer of all of them, several times the model's own size, and it changes "
        "what the model knew before. The result is a whole model, not a small file beside it. "
        "Choose it for small models with a lot of data; otherwise LoRA is nearly always the better start."
    ),
    family="full",
    paper="",
    settings=Settings,
    learning_rate=2e-5,
    rate_source=(
        "Alpaca's readme (github.com/tatsu-lab/stanford_alpaca): 2e-5 for 7 billion parameters; by size a rule "
        "of thumb"
    ),
    quantizations=frozenset(),
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    rate_share=share_of_whole_weights,
    is_well_known=True,
    why_finished=lambda settings: (
        "it left a whole model and no adapter; export that and choose its folder as the model"
    ),
)
