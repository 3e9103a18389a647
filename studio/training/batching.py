"""Batches: which rows a step takes, and how they are laid out as tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from studio.objectives import Encoded
from studio.training.losses.chat import IGNORED


@dataclass(frozen=True)
class Batch:
    """One micro-batch.

    `inputs` go to the model: `input_ids (B, T)`, and `position_ids` or `attention_mask` of that shape;
    `keep (K,)` are the positions whose logits are needed, `targets (B, K)` the tokens that follow them
    (IGNORED where a row trains nothing there). All int64. `tokens` counts real tokens, without padding.
    """

    inputs: dict[str, Tensor]
    keep: Tensor
    targets: Tensor
    rows: int
    tokens: int
    trained_tokens: int

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        return replace(
            self,
            inputs={name: value.to(device) for name, value in self.inputs.items()},
            keep=self.keep.to(device),
            targets=self.targets.to(device),
        )


@dataclass(frozen=True)
class Schedule:
    """Which rows each optimizer step takes: a pure function of the seed, so that any step can be resumed."""

    rows: int
    rows_per_step: int
    total_steps: int
    seed: int

    @classmethod
    def plan(
        cls, rows: int, rows_per_step: int, epochs: int, max_steps: int | None, seed: int
    ) -> Schedule:
        """`epochs` passes over `rows` rows, or exactly `max_steps` steps where that is given."""
        steps = max_steps or epochs * math.ceil(rows / rows_per_step)
        return cls(rows, rows_per_step, steps, seed)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one pass; the last of them may be short."""
        return math.ceil(self.rows / self.rows_per_step)

    def epoch(self, step: int) -> int:
        """The pass, from 0, that `step` (from 0) belongs to."""
        return step // self.steps_per_epoch

    def ends_epoch(self, step: int) -> bool:
        """Whether `step` is the last of its pass, or of the run."""
        return (step + 1) % self.steps_per_epoch == 0 or step + 1 == self.total_steps

    def rows_of(self, step: int) -> list[int]:
        """The rows of `step`, in the order of that pass."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch(step))
        order: list[int] = torch.randperm(self.rows, generator=generator).tolist()
        begin = (step % self.steps_per_epoch) * self.rows_per_step
        return order[begin : begin + self.rows_per_step]


def micro_batches(
    examples: Sequence[Encoded], batch_size: int, *, packed: bool, pad_id: int
) -> Iterator[Batch]:
    """The examples in batches of `batch_size` rows, packed into one line each or padded."""
    for begin in range(0, len(examples), batch_size):
        rows = examples[begin : begin + batch_size]
        yield _packed(rows) if packed else _padded(rows, pad_id)


def _packed(rows: Sequence[Encoded]) -> Batch:
    """All rows behind one another, `(1, T)`; positions begin anew with each row, which keeps rows apart."""
    targets = [
        target for row in rows for target in (*_targets(row)[1:], IGNORED)
    ]  # position i predicts token i + 1; the last of a row predicts nothing
    keep = [position for position, target in enumerate(targets) if target != IGNORED]
    return Batch(
        inputs={
            "input_ids": torch.tensor([list(chain.from_iterable(row.ids for row in rows))]),
            "position_ids": torch.tensor(
                [list(chain.from_iterable(range(len(row.ids)) for row in rows))]
            ),
        },
        keep=torch.tensor(keep),
        targets=torch.tensor([[targets[position] for position in keep]]),
        rows=len(rows),
        tokens=sum(len(row.ids) for row in rows),
        trained_tokens=len(keep),
    )


def _padded(rows: Sequence[Encoded], pad_id: int) -> Batch:
    """One row a line, filled up on the right; padding is told by the attention mask, never by its id."""
    width = max(len(row.ids) for row in rows)
    filling = [width - len(row.ids) for row in rows]
    lines = zip(rows, filling, strict=True)
    targets = [[*_targets(row)[1:], IGNORED, *[IGNORED] * fill] for row, fill in lines]
    keep = [at for at in range(width) if any(line[at] != IGNORED for line in targets)]
    lines = zip(rows, filling, strict=True)
    ids, attention = zip(
        *(([*row.ids, *[pad_id] * fill], [1] * len(row.ids) + [0] * fill) for row, fill in lines),
        strict=True,
    )
    return Batch(
        inputs={"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(attention)},
        keep=torch.tensor(keep),
        targets=torch.tensor([[line[at] for at in keep] for line in targets]),
        rows=len(rows),
        tokens=sum(len(row.ids) for row in rows),
        trained_tokens=sum(target != IGNORED for line in targets for target in line),
    )


def _targets(row: Encoded) -> list[int]:
    return [token if trained else IGNORED for token, trained in zip(row.ids, row.mask, strict=True)]
