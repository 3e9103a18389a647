"""Answers: conversations continued by a model, several at once, always the likeliest word next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from studio.objectives.chat import render

Message = dict[str, str]


def answer(
    model: nn.Module,
    tokenizer: Any,
    conversations: Sequence[Sequence[Message]],
    *,
    max_new_tokens: int = 256,
    batch_size: int = 16,
) -> list[str]:
    """The model's next turn for each conversation, greedily, so that the same question gets the same answer.

    Conversations of like length share a batch: little padding, and none waits for a far longer one.
    """
    texts = [render(list(messages), tokenizer, for_answer=True) for messages in conversations]
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    answers = [""] * len(texts)
    for begin in range(0, len(order), batch_size):
        chosen = order[begin : begin + batch_size]
        replies = _generate(model, tokenizer, [texts[index] for index in chosen], max_new_tokens)
        for index, reply in zip(chosen, replies, strict=True):
            answers[index] = reply
    return answers


@torch.inference_mode()
def _generate(model: nn.Module, tokenizer: Any, texts: list[str], max_new_tokens: int) -> list[str]:
    device = next(model.parameters()).device
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    width = max(map(len, ids))
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    # Padded on the left, so that every row's next token stands in the last column.
    tokens = torch.tensor([[pad_id] * (width - len(row)) + row for row in ids], device=device)
    attention = torch.tensor(
        [[0] * (width - len(row)) + [1] * len(row) for row in ids], device=device
    )
    output = model.generate(  # type: ignore[operator]
        input_ids=tokens,
        attention_mask=attention,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=pad_id,
        eos_token_id=stop_ids(model, tokenizer),
    )
    return [
        text.strip() for text in tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
    ]


def stop_ids(model: nn.Module, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: the generation config's and the tokenizer's own."""
    declared = model.generation_config.eos_token_id  # type: ignore[union-attr]
    ids = declared if isinstance(declared, list) else [declared]
    return sorted({token for token in (*ids, tokenizer.eos_token_id) if token is not None})
