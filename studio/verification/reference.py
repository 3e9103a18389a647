"""The reference of a verification: rows, and the logits that the tuned and the base model give them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from jobs import durable
from studio.data.examples import KINDS, Example, Place
from studio.inference.opened import Opened
from studio.objectives import Encoded
from studio.settings import ASSETS
from studio.spec import ObjectiveChoice, TrainSpec
from studio.training import prompts
from studio.training.batching import micro_batches
from studio.training.loading import start_id
from studio.verification.bounds import MINIMUM_ROWS

# Positions compared a row: bounds the reference at a few GB even with a very large vocabulary.
TOKENS_PER_ROW = 256

# An example as `as_json` gives it: role to value.
Row = dict[str, Any]


def choose_rows(
    choice: ObjectiveChoice, held_out: Sequence[Example], training: Sequence[Example]
) -> list[Row]:
    """At least MINIMUM_ROWS examples: held-out rows, then training rows, then fixed sentences."""
    chosen = [example.as_json() for example in held_out[: 2 * MINIMUM_ROWS]]
    chosen += [example.as_json() for example in training[: max(0, MINIMUM_ROWS - len(chosen))]]
    fixed = json.loads((ASSETS / "verification.json").read_text(encoding="utf-8"))
    roles = KINDS[choice.name].role_sets[0]
    label = next(iter(getattr(choice.settings, "labels", None) or ("",)))
    sentences = [
        {role: label if role == "label" else sentence for role in roles} for sentence in fixed
    ]
    return chosen + sentences[: max(0, MINIMUM_ROWS - len(chosen))]


def encode(rows: Sequence[Row], choice: ObjectiveChoice, tokenizer: Any) -> list[Encoded]:
    """Rows as an objective encodes them with this tokenizer and its template, cut for the comparison.

    Raises DataProblem where the template refuses one.
    """
    make, place = KINDS[choice.name].make, Place(0, 1, 1)
    found = []
    for row in rows:
        example = make(row, {role: role for role in row}, place)
        whole = choice.objective.encode(example, tokenizer, choice.settings)
        ids = whole.ids[:TOKENS_PER_ROW]
        target = whole.target
        if choice.objective.layout == "decoder":
            target = target[:TOKENS_PER_ROW]
        found.append(Encoded(ids, [1] * len(ids), target=target))
    return found


@torch.inference_mode()
def logits_of(model: nn.Module, row: Encoded, choice: ObjectiveChoice) -> Tensor:
    """Logits of one row in float32, on the CPU: `(T, V)` a position, or `(1, C)` of the classes."""
    layout = choice.objective.layout
    (batch,) = micro_batches(
        [row],
        1,
        packed=False,
        pad_id=0,
        layout="tokens" if layout == "sequences" else layout,
        start_id=start_id(model),
    )
    inputs = batch.to(next(model.parameters()).device).inputs
    output: Any = model(**inputs, use_cache=False)
    logits = prompts.of_the_row(model, output.logits)
    return logits.reshape(-1, logits.shape[-1]).float().cpu()


def write_reference(opened: Opened, rows: Sequence[Row], folder: Path) -> None:
    """Write what is compared, and for each row N `N.safetensors` with `tuned` and `base` logits."""
    folder.mkdir(parents=True, exist_ok=True)
    choice = opened.order.spec.objective
    encoded = encode(rows, choice, opened.tokenizer)
    durable.write_json(folder / "spec.json", opened.order.spec.to_json())
    durable.write_json(
        folder / "rows.json",
        [
            {"example": row, "ids": seen.ids, "target": list(seen.target)}
            for row, seen in zip(rows, encoded, strict=True)
        ],
    )
    tuned = [logits_of(opened.model, row, choice) for row in encoded]
    with opened.base() as base:
        for number, row in enumerate(encoded):
            safetensors.torch.save_file(
                {"tuned": tuned[number], "base": logits_of(base, row, choice)},
                folder / f"{number}.safetensors",
            )


def read_reference(folder: Path) -> tuple[TrainSpec, list[Row], list[Encoded]]:
    """The spec of a reference, its examples, and what training made of them."""
    spec = TrainSpec.parse(json.loads((folder / "spec.json").read_text(encoding="utf-8")))
    entries = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    encoded = [
        Encoded(entry["ids"], [1] * len(entry["ids"]), target=tuple(entry["target"]))
        for entry in entries
    ]
    return spec, [entry["example"] for entry in entries], encoded
