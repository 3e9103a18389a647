"""Answers: conversations and texts continued by a model, several at once, always the likeliest word next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import nn

from studio.objectives.template import render
from studio.training import prompts

Message = dict[str, Any]


def answer(
    model: nn.Module,
    tokenizer: Any,
    conversations: Sequence[Sequence[Message]],
    *,
    max_new_tokens: int = 256,
    batch_size: int = 16,
) -> list[str]:
    """The model's next turn for each conversation, greedily, so that the same question gets the same answer."""
    texts = [render(messages, tokenizer, for_answer=True) for messages in conversations]
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return _go_on(model, tokenizer, ids, max_new_tokens, batch_size)


def go_on(
    model: nn.Module,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    max_new_tokens: int = 256,
    batch_size: int = 16,
) -> list[str]:
    """How the model continues each text; of an encoder-decoder, what it writes having read it."""
    ids = [list(tokenizer(text)["input_ids"]) for text in texts]
    if not _reads_first(model):
        # A tokenizer that ends every text would have the model begin the next one.
        ends = stop_ids(model, tokenizer)
        ids = [row[:-1] if len(row) > 1 and row[-1] in ends else row for row in ids]
    return _go_on(model, tokenizer, ids, max_new_tokens, batch_size)


def _go_on(
    model: nn.Module, tokenizer: Any, rows: list[list[int]], max_new_tokens: int, batch_size: int
) -> list[str]:
    """Rows of like length share a batch: little padding, and none waits for a far longer one."""
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    answers = [""] * len(rows)
    for chosen in _groups(model, order, rows, batch_size):
        replies = _generate(model, tokenizer, [rows[index] for index in chosen], max_new_tokens)
        for index, reply in zip(chosen, replies, strict=True):
            answers[index] = reply
    return answers


def _groups(
    model: nn.Module, order: list[int], rows: list[list[int]], batch_size: int
) -> Iterator[list[int]]:
    """Batches of rows in this order. Padding between a learned prompt and its row would move them apart."""
    apart = prompts.learns_one(model)
    for _, alike in groupby(order, key=lambda index: len(rows[index]) if apart else 0):
        chosen = list(alike)
        for begin in range(0, len(chosen), batch_size):
            yield chosen[begin : begin + batch_size]


@torch.inference_mode()
def _generate(
    model: nn.Module, tokenizer: Any, ids: list[list[int]], max_new_tokens: int
) -> list[str]:
    device = next(model.parameters()).device
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
    written = output if _reads_first(model) else output[:, width:]
    return [text.strip() for text in tokenizer.batch_decode(written, skip_special_tokens=True)]


def _reads_first(model: nn.Module) -> bool:
    return bool(getattr(model.config, "is_encoder_decoder", False))


def stop_ids(model: nn.Module, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: the generation config's and the tokenizer's own."""
    declared = model.generation_config.eos_token_id  # type: ignore[union-attr]
    ids = declared if isinstance(declared, list) else [declared]
    return sorted({token for token in (*ids, tokenizer.eos_token_id) if token is not None})
