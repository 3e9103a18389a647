"""Replies: what a model makes of something typed, in the way that its objective is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from studio.inference.answers import answer, go_on
from studio.objectives import Encoded
from studio.objectives.objective import tokens_of
from studio.objectives.template import turns_of
from studio.spec import ObjectiveChoice
from studio.training import step
from studio.training.batching import micro_batches
from studio.training.heads import Head
from studio.training.loading import padding_id

_BATCH = 16
# So much of a text is given, for the model to go on from there.
_WORDS_GIVEN = 12


@dataclass(frozen=True)
class Reply:
    """What a model says; of a classification each label with its probability, the likeliest first."""

    text: str
    labels: tuple[tuple[str, float], ...] = ()

    def labels_json(self) -> list[dict[str, Any]]:
        """`[{"label", "share"}]`."""
        return [{"label": label, "share": round(share, 4)} for label, share in self.labels]


def given(choice: ObjectiveChoice, example: Any) -> Any:
    """What of an example the model is given: turns, or a text; of a mere text its first words."""
    if choice.objective.needs_template:
        return turns_of(example.prompt)
    return example.question or " ".join(example.answer.split()[:_WORDS_GIVEN])


def replies(
    choice: ObjectiveChoice,
    model: nn.Module,
    tokenizer: Any,
    asked: Sequence[Any],
    *,
    max_new_tokens: int = 256,
) -> list[Reply]:
    """The model's reply to each; what is asked is a text, or turns where the objective has a template."""
    if choice.objective.layout == "classes":
        return _sorted(choice, model, tokenizer, asked)
    if choice.objective.needs_template:
        turns = [
            [{"role": "user", "content": each}] if isinstance(each, str) else each for each in asked
        ]
        said = answer(model, tokenizer, turns, max_new_tokens=max_new_tokens)
    else:
        prefix = getattr(choice.settings, "prefix", "")
        texts = [prefix + each for each in asked]
        said = go_on(model, tokenizer, texts, max_new_tokens=max_new_tokens)
    return [Reply(text) for text in said]


@torch.inference_mode()
def _sorted(
    choice: ObjectiveChoice, model: nn.Module, tokenizer: Any, texts: Sequence[str]
) -> list[Reply]:
    """Each text with its labels: one of them, or all that are likelier than not."""
    head = Head.of(choice)
    device = next(model.parameters()).device
    rows = [Encoded(ids, [0] * len(ids), target=(0,)) for ids in tokens_of(texts, tokenizer)]
    pad_id = padding_id(model, tokenizer, head)
    found = []
    for batch in micro_batches(rows, _BATCH, packed=False, pad_id=pad_id, layout=head.layout):
        logits = step.logits_of(model, batch.to(device)).float()
        shares = logits.sigmoid() if head.several else logits.softmax(-1)
        found += [_reply(head, row) for row in shares.tolist()]
    return found


def _reply(head: Head, shares: list[float]) -> Reply:
    ranked = sorted(zip(head.labels, shares, strict=True), key=lambda pair: -pair[1])
    chosen = [pair for pair in ranked if pair[1] > 0.5] if head.several else ranked[:1]
    words = ", ".join(f"{label} ({share:.0%})" for label, share in chosen)
    return Reply(words or "none of the labels", tuple(ranked))
