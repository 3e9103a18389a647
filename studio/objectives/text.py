"""Text: the model learns to continue your texts, from the first word to the last."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal

from pydantic import Field

from studio.errors import AskedWrongly, FieldProblem
from studio.objectives.objective import Encoded, Metric, Objective, ObjectiveSettings, tokens_of


class Settings(ObjectiveSettings):
    """What can be set for texts."""

    windows: Literal["joined", "apart"] = Field(
        "joined",
        title="How texts are cut",
        description="Joined: texts behind one another fill every window to the end. "
        "Apart: each text has windows of its own.",
        json_schema_extra={"unit": "", "cost": "time", "level": "basic"},
    )
    overlap: int = Field(
        0,
        ge=0,
        le=65_536,
        title="Overlap of windows",
        description="Tokens of the window before that are read again, so that a new one does not begin blind.",
        json_schema_extra={"unit": "tokens", "cost": "time", "level": "advanced"},
    )


def encode_all(examples: Sequence[Any], tokenizer: Any, settings: Settings) -> list[Encoded]:
    """Whole texts, each with the token that ends it."""
    end = tokenizer.eos_token_id
    rows = tokens_of([example.text for example in examples], tokenizer)
    for ids in rows:
        if end is not None and ids[-1] != end:
            ids.append(end)
    return [Encoded(ids, [1] * len(ids)) for ids in rows]


def cut(row: Encoded, settings: Settings, max_length: int) -> list[Encoded]:
    """The windows of one text; where texts are joined it stays whole until `combine`."""
    return [row] if settings.windows == "joined" else _windows(row.ids, settings, max_length)


def combine(rows: list[Encoded], settings: Settings, max_length: int) -> list[Encoded]:
    """Where texts are joined: the windows of all of them behind one another."""
    if settings.windows == "apart":
        return rows
    return _windows(list(chain.from_iterable(row.ids for row in rows)), settings, max_length)


def _windows(ids: list[int], settings: Settings, max_length: int) -> list[Encoded]:
    """Windows of at most `max_length` tokens; every token but the very first is trained exactly once.

    What a window repeats of the one before is read, not trained. It repeats at least one token: the
    first of a window has nothing before it that could predict it.
    """
    if settings.overlap >= max_length:
        words = (
            f"The overlap of {settings.overlap} tokens does not fit into windows of {max_length}. "
            "Lower it, or raise training.max_length."
        )
        raise AskedWrongly(words, code="spec", fields=[FieldProblem("objective.overlap", words)])
    repeated = max(1, settings.overlap)
    windows = []
    begin = 0
    while begin == 0 or begin + repeated < len(ids):
        part = ids[begin : begin + max_length]
        read = min(len(part), repeated) if begin else 0
        windows.append(Encoded(part, [0] * read + [1] * (len(part) - read)))
        begin += max_length - repeated
    return [window for window in windows if any(window.mask[1:])]


OBJECTIVE = Objective(
    name="text",
    title="Continue my texts",
    sentence="The model learns how your texts go on: their subject, their words and their style.",
    settings=Settings,
    encode_all=encode_all,
    cut=cut,
    combine=combine,
    keeps_rows_apart=lambda settings: False,
    metrics={
        "loss": Metric(
            "Loss",
            "How surprised the model is by each next word piece of your texts; lower is better.",
        ),
        "held_out_loss": Metric(
            "Loss on rows held out",
            "The same on texts that it never trained on; this is the one to watch.",
        ),
        "token_accuracy": Metric(
            "First guesses right",
            "How often its first guess of the next word piece of your texts is right.",
            is_share=True,
        ),
        "perplexity": Metric(
            "Perplexity",
            "Among how many word pieces it wavers on average; 1 would be no doubt at all.",
        ),
    },
)
