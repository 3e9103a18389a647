"""Chat: the model learns to give the answers, each after what was said before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.objectives.objective import Encoded, Metric, Objective, ObjectiveSettings
from studio.objectives.template import Talk, encode_talks, turns_of


class Settings(ObjectiveSettings):
    """Chat has nothing to set: the loss lies on the answers only."""


def encode_all(examples: Sequence[Any], tokenizer: Any, settings: Settings) -> list[Encoded]:
    """Conversations through the tokenizer's own chat template; the answers' tokens are trained."""
    talks = [Talk(turns_of(example.messages), example.tools) for example in examples]
    return encode_talks(talks, tokenizer)


OBJECTIVE = Objective(
    name="chat",
    title="Answer in my way",
    sentence="The model learns to answer questions the way your examples do.",
    settings=Settings,
    encode_all=encode_all,
    metrics={
        "loss": Metric("Loss", "How surprised the model is by your answers; lower is better."),
        "held_out_loss": Metric(
            "Loss on rows held out",
            "The same on rows that it never trained on; this is the one to watch.",
        ),
        "token_accuracy": Metric(
            "First guesses right",
            "How often its first guess of the next word piece of your answers is right.",
            is_share=True,
        ),
        "perplexity": Metric(
            "Perplexity",
            "Among how many word pieces it wavers on average; 1 would be no doubt at all.",
        ),
    },
    needs_template=True,
)
