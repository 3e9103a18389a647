"""Batches: which rows a step takes, and how they are laid out as tensors."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from studio.objectives import Encoded, Layout

IGNORED = -100
"""A target that trains nothing."""
PACKABLE: tuple[Layout, ...] = ("tokens", "sequences")
"""The layouts whose rows may share a line."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch. All whole numbers int64.

    `inputs` go to the model: `input_ids (B, T)`, and `position_ids` or `attention_mask` of that shape;
    an encoder-decoder gets `decoder_input_ids (B, D)` as well. `keep (K,)` are the positions whose
    logits are needed, None where the model gives no others. `targets` is what the loss holds them
    against: tokens `(B, K)`, IGNORED where a row trains nothing, or classes `(B, 1)`, or 0 and 1 for
    each class `(B, C)`. `units` counts what the loss sums over: trained tokens, or rows.
    `tokens` counts real tokens, without padding. `documents` are the lengths of the rows that share a
    packed line, empty where each row has a line of its own. Where the lower layers' states are known,
    they are among the `inputs` (`inputs_embeds (1, T, H)`), and within `entering()` the model takes
    them so.

    Where whole answers are weighed, `sequences (B, K)` tells to which of the S answers a target
    belongs: all wanted ones in the order of the rows, then the rejected ones. `reference (S,)` are
    their log-probabilities under the reference model. `weights (rows,)`: how much each row counts,
    below 0 where its answer is not wanted. `mismatched` are the same questions with others' answers;
    what they tell the step before it begins comes back as `baseline` (a scalar).

    `is_idle`: computed like any other so that processes that borrow each other's weights stay in step;
    it counts for nothing.
    """

    inputs: dict[str, Tensor]
    keep: Tensor | None
    targets: Tensor
    rows: int
    tokens: int
    trained_tokens: int
    units: int
    sequences: Tensor | None = None
    reference: Tensor | None = None
    weights: Tensor | None = None
    mismatched: Batch | None = None
    baseline: Tensor | None = None
    documents: tuple[int, ...] = ()
    entering: Callable[[], AbstractContextManager[Any]] | None = None
    is_idle: bool = False

    def idle(self) -> Batch:
        """The same computation, counting for nothing."""
        return replace(self, tokens=0, trained_tokens=0, units=0, is_idle=True)

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        moved: dict[str, Any] = {
            field.name: value.to(device)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor | Batch)
        }
        moved["inputs"] = {name: value.to(device) for name, value in self.inputs.items()}
        return replace(self, **moved)


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
        begin = (step % self.steps_per_epoch) * self.rows_per_step
        order = self.order(self.epoch(step))
        rows: list[int] = order[begin : begin + self.rows_per_step].tolist()
        return rows

    def order(self, epoch: int) -> Tensor:
        """All rows in the order of that pass, int64[rows]."""
        return _order(self.rows, self.seed * 1_000_003 + epoch)


@functools.lru_cache(maxsize=2)
def _order(rows: int, seed: int) -> Tensor:
    """The order of a pass, int64[rows]; kept, since each of its steps takes a part."""
    return torch.randperm(rows, generator=torch.Generator().manual_seed(seed))


def groups(
    rows: Sequence[Encoded],
    most_rows: int,
    most_tokens: int | None = None,
    *,
    packed: bool,
    layout: Layout = "tokens",
) -> Iterator[Sequence[Encoded]]:
    """Rows cut into micro-batches, in their order: `most_rows` each, and `most_tokens` with their padding.

    A row that is longer by itself has a micro-batch of its own.
    """
    if most_tokens is None:
        yield from (rows[begin : begin + most_rows] for begin in range(0, len(rows), most_rows))
        return
    group: list[Encoded] = []
    for row in rows:
        is_full = places([*group, row], packed=packed, layout=layout) > most_tokens
        if group and (is_full or len(group) == most_rows):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def places(rows: Sequence[Encoded], *, packed: bool, layout: Layout) -> int:
    """What the model computes for these rows in one batch: their tokens, and the padding between them."""
    lines = [line for row in rows for line in (row, row.rejected) if line is not None]
    if packed and layout in PACKABLE:
        return sum(len(line.ids) for line in lines)
    written = max(len(row.target) for row in rows) if layout == "decoder" else 0
    return len(lines) * (max(len(line.ids) for line in lines) + written)


def by_length(rows: Sequence[Encoded]) -> list[Encoded]:
    """The longest rows first: rows of a step that are filled up to one length are then near to it."""
    return sorted(rows, key=lambda row: -max(map(len, (*row.lines(), row.target))))


def micro_batches(
    examples: Sequence[Encoded],
    batch_size: int,
    *,
    packed: bool,
    pad_id: int,
    layout: Layout = "tokens",
    start_id: int = 0,
) -> Iterator[Batch]:
    """The examples in batches of `batch_size` rows, packed into one line each or padded."""
    for rows in groups(examples, batch_size, packed=packed, layout=layout):
        yield batch_of(rows, packed=packed, pad_id=pad_id, layout=layout, start_id=start_id)


def batch_of(
    rows: Sequence[Encoded],
    *,
    packed: bool,
    pad_id: int,
    layout: Layout = "tokens",
    start_id: int = 0,
) -> Batch:
    """Rows as one batch, packed into one line or padded; `start_id` is what a decoder begins with."""
    if layout == "classes":
        return _classes(rows, pad_id)
    if layout == "decoder":
        return _decoder(rows, pad_id, start_id)
    if layout == "sequences":
        return _sequences(rows, packed=packed, pad_id=pad_id)
    return _packed(rows) if packed else _padded(rows, pad_id)


def units_of(rows: Sequence[Encoded], layout: Layout) -> int:
    """What the losses of `rows` sum over: the `units` of the batches that are made of them."""
    if layout == "decoder":
        return sum(len(row.target) for row in rows)
    return len(rows) if layout != "tokens" else sum(sum(row.mask[1:]) for row in rows)


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
        units=len(keep),
        documents=tuple(len(row.ids) for row in rows),
    )


def _padded(rows: Sequence[Encoded], pad_id: int) -> Batch:
    """One row a line, filled up on the right; padding is told by the attention mask, never by its id."""
    inputs = _filled([row.ids for row in rows], pad_id)
    width = inputs["input_ids"].shape[1]
    targets = [[*_targets(row)[1:], IGNORED, *[IGNORED] * (width - len(row.ids))] for row in rows]
    keep = [at for at in range(width) if any(line[at] != IGNORED for line in targets)]
    trained = sum(target != IGNORED for line in targets for target in line)
    return Batch(
        inputs=inputs,
        keep=torch.tensor(keep),
        targets=torch.tensor([[line[at] for at in keep] for line in targets]),
        rows=len(rows),
        tokens=sum(len(row.ids) for row in rows),
        trained_tokens=trained,
        units=trained,
    )


def _sequences(rows: Sequence[Encoded], *, packed: bool, pad_id: int) -> Batch:
    """Every answer a sequence of its own: the wanted ones of all rows, then the rejected ones."""
    lines = [*rows, *(row.rejected for row in rows if row.rejected is not None)]
    batch = _packed(lines) if packed else _padded(lines, pad_id)
    trained = [sum(line.mask[1:]) for line in lines]
    numbers = torch.arange(len(lines))
    sequences = (
        numbers.repeat_interleave(torch.tensor(trained))[None]
        if packed
        else numbers[:, None].expand(batch.targets.shape).contiguous()
    )
    known = [row.reference or (0.0, 0.0) for row in rows]
    others = [row.mismatched for row in rows if row.mismatched is not None]
    mismatched = _sequences(others, packed=packed, pad_id=pad_id) if others else None
    return replace(
        batch,
        rows=len(rows),
        units=len(rows),
        sequences=sequences,
        reference=torch.tensor(
            [pair[0] for pair in known] + [pair[1] for pair in known][: len(lines) - len(rows)]
        ),
        weights=torch.tensor([row.weight if row.is_good else -row.weight for row in rows]),
        mismatched=mismatched
        and replace(mismatched, reference=torch.tensor([pair[1] for pair in known])),
    )


def _classes(rows: Sequence[Encoded], pad_id: int) -> Batch:
    """One row a line; the target is the row's class, or 0 or 1 for each class."""
    return Batch(
        inputs=_filled([row.ids for row in rows], pad_id),
        keep=None,
        targets=torch.tensor([row.target for row in rows]),
        rows=len(rows),
        tokens=sum(len(row.ids) for row in rows),
        trained_tokens=len(rows),
        units=len(rows),
        weights=torch.tensor([row.weight for row in rows]),
    )


def _decoder(rows: Sequence[Encoded], pad_id: int, start_id: int) -> Batch:
    """The encoder reads `ids`; the decoder writes `target`, each token after those before it."""
    written = [list(row.target) for row in rows]
    before = _filled([[start_id, *line[:-1]] for line in written], pad_id)["input_ids"]
    width = max(map(len, written))
    trained = sum(map(len, written))
    return Batch(
        inputs=_filled([row.ids for row in rows], pad_id) | {"decoder_input_ids": before},
        keep=None,
        targets=torch.tensor([[*line, *[IGNORED] * (width - len(line))] for line in written]),
        rows=len(rows),
        tokens=sum(len(row.ids) + len(row.target) for row in rows),
        trained_tokens=trained,
        units=trained,
    )


def _filled(lines: Sequence[Sequence[int]], pad_id: int) -> dict[str, Tensor]:
    """Lines filled up on the right to the longest, with the mask that tells what is real."""
    width = max(map(len, lines))
    ids = [[*line, *[pad_id] * (width - len(line))] for line in lines]
    attention = [[1] * len(line) + [0] * (width - len(line)) for line in lines]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(attention)}


def _targets(row: Encoded) -> list[int]:
    return [token if trained else IGNORED for token, trained in zip(row.ids, row.mask, strict=True)]
