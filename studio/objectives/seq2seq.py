"""Seq2seq: the model learns to read one text and write another; for encoder-decoders such as T5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from studio.errors import DataProblem
from studio.objectives.objective import Encoded, Metric, Objective, ObjectiveSettings, tokens_of


class Settings(ObjectiveSettings):
    """What can be set for reading and writing."""

    prefix: str = Field(
        "",
        max_length=500,
        title="Words before each text",
        description="Put before every text that is read, as T5 was taught, e.g. 'summarize: '.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )


def encode_all(examples: Sequence[Any], tokenizer: Any, settings: Settings) -> list[Encoded]:
    """What is read, and in `target` what is written, each as the tokenizer marks it for that part."""
    read = tokens_of([settings.prefix + example.source for example in examples], tokenizer)
    written = tokenizer(text_target=[example.target for example in examples])["input_ids"]
    end = tokenizer.eos_token_id
    rows = []
    for ids, target in zip(read, written, strict=True):
        if end is not None and target[-1:] != [end]:
            target.append(end)
        if not target:
            raise DataProblem("The model's tokenizer makes no token of the text to write.")
        rows.append(Encoded(ids, [0] * len(ids), target=tuple(target)))
    return rows


def cut(row: Encoded, settings: Settings, max_length: int) -> list[Encoded]:
    """Both texts within `max_length` tokens each, their ends cut off."""
    ids, target = row.ids[:max_length], row.target[:max_length]
    return [replace(row, ids=ids, mask=[0] * len(ids), target=target)]


def _longest(settings: Settings, length: int) -> Encoded:
    return Encoded([0] * length, [0] * length, target=(0,) * length)


OBJECTIVE = Objective(
    name="seq2seq",
    title="Turn one text into another",
    sentence="The model learns to read a text and write what belongs to it, as in translating or summing up.",
    settings=Settings,
    encode_all=encode_all,
    cut=cut,
    longest=_longest,
    layout="decoder",
    metrics={
        "loss": Metric(
            "Loss", "How surprised the model is by the text it should write; lower is better."
        ),
        "held_out_loss": Metric(
            "Loss on rows held out",
            "The same on rows that it never trained on; this is the one to watch.",
        ),
        "token_accuracy": Metric(
            "First guesses right",
            "How often its first guess of the next word piece is right.",
            is_share=True,
        ),
        "perplexity": Metric(
            "Perplexity",
            "Among how many word pieces it wavers on average; 1 would be no doubt at all.",
        ),
    },
)
