"""The micro-batches of a run: the largest of them, and what all of them amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from studio.models.architecture import Architecture
from studio.objectives import Encoded
from studio.spec import Training
from studio.training.batching import Batch, Schedule

# After so many rows of a run the rest is taken to be alike, and its largest rows to meet in one batch.
_MOST_ROWS = 100_000


@dataclass(frozen=True)
class MicroBatch:
    """The shape of one micro-batch: `rows` laid out in lines of `width` tokens, packed all in one line.

    `tokens` are real ones, without padding; `kept` counts the positions of a line whose logits are
    needed.
    """

    rows: int
    tokens: int
    trained_tokens: int
    width: int
    kept: int
    is_packed: bool

    @property
    def lines(self) -> int:
        """The first dimension of its tensors."""
        return 1 if self.is_packed else self.rows

    @property
    def places(self) -> int:
        """Tokens with their padding: what the model computes."""
        return self.lines * self.width

    def empty_batch(self) -> Batch:
        """The batch as the trainer makes it, on the default device, with no value written into it."""
        ids = torch.empty((self.lines, self.width), dtype=torch.int64)
        second = "position_ids" if self.is_packed else "attention_mask"
        return Batch(
            inputs={"input_ids": ids, second: torch.empty_like(ids)},
            keep=torch.empty((self.kept,), dtype=torch.int64),
            targets=torch.empty((self.lines, self.kept), dtype=torch.int64),
            rows=self.rows,
            tokens=self.tokens,
            trained_tokens=self.trained_tokens,
        )


@dataclass(frozen=True)
class RunShape:
    """A whole run: its largest micro-batch, one pass over its data, and the places that it computes.

    Where `is_measured` is False the data is not known: rows and tokens are then 0, and so are the
    steps unless the spec numbers them.
    """

    largest: MicroBatch
    is_measured: bool
    rows: int
    tokens: int
    trained_tokens: int
    steps: int
    places: int
    evaluated_places: int


@dataclass(frozen=True)
class Cost:
    """Bytes that a place and a kept position cost, roughly: enough to tell which batch is the largest."""

    place: float
    kept: float

    @classmethod
    def of_model(cls, shape: Architecture, *, checkpoints_activations: bool) -> Cost:
        """Per place what each layer keeps; per kept position its logits, their copy and their gradient."""
        depth = 1 if checkpoints_activations else shape.layers
        layer = 4.0 * (12 * shape.hidden + 4 * shape.intermediate)
        return cls(place=depth * layer, kept=12.0 * shape.vocab)

    def of(self, batch: MicroBatch) -> float:
        """The batch's rough size in bytes."""
        return self.place * batch.places + self.kept * batch.lines * batch.kept


def unknown_run(training: Training, *, packed: bool) -> RunShape:
    """The shape while the data is not known: every row fills `max_length`, every token is trained."""
    rows, length = training.batch_size, training.max_length
    tokens, trained = rows * length, rows * (length - 1)
    largest = MicroBatch(
        rows=rows,
        tokens=tokens,
        trained_tokens=trained,
        width=tokens if packed else length,
        kept=trained if packed else length - 1,
        is_packed=packed,
    )
    steps = training.max_steps or 0
    places = steps * training.gradient_accumulation * largest.places
    return RunShape(largest, False, 0, 0, 0, steps, places, 0)


def run_shape(
    rows: Sequence[Encoded],
    held_out: Sequence[Encoded],
    training: Training,
    cost: Cost,
    *,
    packed: bool,
) -> RunShape:
    """The shape of a run over rows that are encoded at full length; `max_length` is applied here."""
    schedule = Schedule.plan(
        len(rows),
        training.batch_size * training.gradient_accumulation,
        training.epochs,
        training.max_steps,
        training.seed,
    )
    largest, places = _walk(rows, schedule, training, cost, packed=packed)
    return RunShape(
        largest=largest,
        is_measured=True,
        rows=len(rows),
        tokens=sum(_length(row, training.max_length) for row in rows),
        trained_tokens=sum(len(_kept(row, training.max_length)) for row in rows),
        steps=schedule.total_steps,
        places=places,
        evaluated_places=_evaluations(training, schedule)
        * sum(_length(row, training.max_length) for row in held_out),
    )


def _walk(
    rows: Sequence[Encoded], schedule: Schedule, training: Training, cost: Cost, *, packed: bool
) -> tuple[MicroBatch, int]:
    """The largest micro-batch of the schedule, and the places of all its steps."""
    steps_looked_at = min(schedule.total_steps, max(1, _MOST_ROWS // schedule.rows_per_step))
    batches = [
        micro_batch([rows[row] for row in chosen], training.max_length, packed=packed)
        for step in range(steps_looked_at)
        for chosen in _groups(schedule.rows_of(step), training.batch_size)
    ]
    places = sum(batch.places for batch in batches)
    if steps_looked_at < schedule.total_steps:
        places = places * schedule.total_steps // steps_looked_at
        longest = sorted(rows, key=lambda row: -len(row.ids))[: training.batch_size]
        batches.append(micro_batch(longest, training.max_length, packed=packed))
    return max(batches, key=cost.of), places


def _groups(rows: Sequence[int], size: int) -> list[Sequence[int]]:
    return [rows[begin : begin + size] for begin in range(0, len(rows), size)]


def micro_batch(rows: Sequence[Encoded], max_length: int, *, packed: bool) -> MicroBatch:
    """The shape of the batch that `training.batching` makes of these rows."""
    lengths = [_length(row, max_length) for row in rows]
    kept = [_kept(row, max_length) for row in rows]
    trained = sum(map(len, kept))
    if packed:
        return MicroBatch(len(rows), sum(lengths), trained, sum(lengths), trained, True)
    together: set[int] = set().union(*kept)
    return MicroBatch(len(rows), sum(lengths), trained, max(lengths), len(together), False)


def _length(row: Encoded, max_length: int) -> int:
    return min(len(row.ids), max_length)


def _kept(row: Encoded, max_length: int) -> list[int]:
    """The positions whose next token is trained; the first token has nothing before it."""
    return [place for place, trained in enumerate(row.mask[1:max_length]) if trained]


def _evaluations(training: Training, schedule: Schedule) -> int:
    """How often the held-out rows are looked at: once before, then as `eval_every` says."""
    if training.eval_every == "never":
        return 1
    if training.eval_every == "epoch":
        return 1 + -(-schedule.total_steps // schedule.steps_per_epoch)
    return 1 + schedule.total_steps // int(training.eval_every)
