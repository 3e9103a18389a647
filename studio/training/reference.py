"""The reference of preference training: what the base thinks of every answer, known before the first step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from jobs import durable
from studio.objectives import Encoded
from studio.training import adapters, step
from studio.training.batching import Batch
from studio.training.fitting import Fit, survive
from studio.training.ranks import ALONE, Ranks
from studio.training.sharding import hand_back


def with_reference(
    rows: Sequence[Encoded],
    file: Path,
    model: nn.Module,
    batches_of: Callable[[Sequence[Encoded], Fit], Sequence[Batch]],
    precision: Callable[[], AbstractContextManager[Any]],
    fit: Fit,
    on_words: Callable[[str], None],
    ranks: Ranks = ALONE,
    *,
    learns_on: bool = False,
) -> list[Encoded]:
    """The rows, each with the log-probabilities of its two answers under the base model.

    The base is the model with its adapter off, so no second one is held; where all weights train, or an
    earlier adapter learns on, it is the model before training. They are computed once, each rank a part,
    and kept in `file`: a resumed run reads them.
    """
    if ranks.first_says(file.is_file()):
        kept = safetensors.torch.load_file(file)["scores"]
        if len(kept) == len(rows):
            return _joined(rows, kept)
    was_training = model.training
    model.eval()
    with nullcontext(model) if learns_on else adapters.without(model) as base:
        own, _ = survive(
            lambda fit: _all_scores(base, batches_of(ranks.share(rows), fit), precision),
            fit,
            model,
            on_words,
        )
    model.train(was_training)
    hand_back(model)
    scores = torch.cat(ranks.gather(own))
    if ranks.is_first:
        file.parent.mkdir(parents=True, exist_ok=True)
        durable.write_bytes(file, safetensors.torch.save({"scores": scores}))
    return _joined(rows, scores)


def _all_scores(
    model: nn.Module,
    batches: Sequence[Batch],
    precision: Callable[[], AbstractContextManager[Any]],
) -> Tensor:
    """`(rows, 2)` of all batches but the idle ones."""
    found = [(_scores(model, batch, precision), batch.is_idle) for batch in batches]
    return torch.cat([torch.zeros(0, 2), *(scores for scores, is_idle in found if not is_idle)])


def _scores(
    model: nn.Module, batch: Batch, precision: Callable[[], AbstractContextManager[Any]]
) -> Tensor:
    """`(rows, 2)` on the CPU: of each row its answer, and the one beside it."""
    own = step.score(model, batch, precision())
    if batch.mismatched is not None:
        own = torch.cat([own, step.score(model, batch.mismatched, precision())])
    return own.reshape(2, batch.rows).T.cpu()


def _joined(rows: Sequence[Encoded], scores: Tensor) -> list[Encoded]:
    pairs = scores.tolist()
    return [replace(row, reference=tuple(pair)) for row, pair in zip(rows, pairs, strict=True)]
