"""The reference of a verification: rows, and the logits that the tuned and the base model give them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from jobs import durable
from studio.inference.opened import Opened
from studio.settings import ASSETS
from studio.spec import ModelChoice
from studio.verification.bounds import MINIMUM_ROWS

Message = dict[str, str]

# Positions compared a row: bounds the reference at a few GB even with a very large vocabulary.
TOKENS_PER_ROW = 256
# How the base was held while it was trained: an adapter belongs to those very numbers.
BASE = "base.json"


@dataclass(frozen=True)
class Row:
    """One row of the comparison: the conversation, and the ids that training made of it."""

    messages: list[Message]
    ids: list[int]


def choose_rows(
    held_out: Sequence[list[Message]], training: Sequence[list[Message]]
) -> list[list[Message]]:
    """At least MINIMUM_ROWS conversations: held-out rows, then training rows, then fixed sentences."""
    chosen = list(held_out[: 2 * MINIMUM_ROWS])
    chosen += training[: max(0, MINIMUM_ROWS - len(chosen))]
    fixed = json.loads((ASSETS / "verification.json").read_text(encoding="utf-8"))
    sentences = [[{"role": "user", "content": sentence}] for sentence in fixed]
    return chosen + sentences[: max(0, MINIMUM_ROWS - len(chosen))]


def encode(conversations: Sequence[list[Message]], tokenizer: Any) -> list[Row]:
    """Rows as a tokenizer and its chat template encode them."""
    return [
        Row(
            messages,
            tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"][
                :TOKENS_PER_ROW
            ],
        )
        for messages in conversations
    ]


@torch.inference_mode()
def logits_of(model: nn.Module, ids: list[int]) -> Tensor:
    """Logits `(T, V)` of one row in float32, on the CPU."""
    device = next(model.parameters()).device
    output: Any = model(input_ids=torch.tensor([ids], device=device), use_cache=False)
    return output.logits[0].float().cpu()  # type: ignore[no-any-return]


def write_reference(opened: Opened, conversations: Sequence[list[Message]], folder: Path) -> None:
    """Write `rows.json` and, for each row N, `N.safetensors` with `tuned` and `base`, both `(T, V)`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = encode(conversations, opened.tokenizer)
    durable.write_json(folder / "rows.json", [vars(row) for row in rows])
    durable.write_json(folder / BASE, opened.order.spec.model.model_dump(mode="json"))
    tuned = [logits_of(opened.model, row.ids) for row in rows]
    with opened.base() as base:
        for number, row in enumerate(rows):
            safetensors.torch.save_file(
                {"tuned": tuned[number], "base": logits_of(base, row.ids)},
                folder / f"{number}.safetensors",
            )


def read_rows(folder: Path) -> list[Row]:
    """The rows of a reference."""
    document = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    return [Row(entry["messages"], entry["ids"]) for entry in document]


def read_base(folder: Path) -> ModelChoice:
    """How the base of a reference was held."""
    return ModelChoice(**json.loads((folder / BASE).read_text(encoding="utf-8")))
