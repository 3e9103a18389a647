"""The micro-batches of a run: the largest of them, and what all of them amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from studio.models.architecture import Architecture
from studio.objectives import Encoded, Layout
from studio.spec import ObjectiveChoice, Training
from studio.training.batching import PACKABLE, Batch, Schedule, by_length, groups
from studio.training.recomputing import recomputed

# After so many rows of a run the rest is taken to be alike, and its largest rows to meet in one batch.
_MOST_ROWS = 100_000


@dataclass(frozen=True)
class MicroBatch:
    """The shape of one micro-batch: `lines` of `width` tokens.

    `tokens` are real ones, without padding; `kept` counts the positions of a line whose logits are
    needed; `pads`: one of them is filled up. `answers` are the sequences that are weighed as a whole (0
    where tokens are). `classes` is the width of the target of a classification, `written` the positions
    of an encoder-decoder's answer, `documents` the lengths of the rows of a packed line. `adds_up`: it may
    follow another one of its step, whose gradients lie there already.
    """

    rows: int
    tokens: int
    trained_tokens: int
    lines: int
    width: int
    kept: int
    is_packed: bool
    pads: bool = False
    answers: int = 0
    classes: int = 0
    written: int = 0
    mismatched: MicroBatch | None = None
    documents: tuple[int, ...] = ()
    adds_up: bool = False

    @property
    def places(self) -> int:
        """Tokens with their padding: what the model computes."""
        own = self.lines * (self.width + self.written)
        return own + (self.mismatched.places if self.mismatched else 0)

    @property
    def pairs(self) -> int:
        """Pairs of places that may attend to one another."""
        return sum(
            length**2 for length in self.documents or [self.width] * self.lines
        ) + self.lines * self.written * (self.written + self.width)

    def repeated(self, times: int) -> MicroBatch:
        """The shape of so many batches like this one as one batch."""
        beside = 1 if self.is_packed else times
        along = times if self.is_packed else 1
        return replace(
            self,
            rows=self.rows * times,
            tokens=self.tokens * times,
            trained_tokens=self.trained_tokens * times,
            lines=self.lines * beside,
            width=self.width * along,
            kept=self.kept * along,
            answers=self.answers * times,
            mismatched=self.mismatched and self.mismatched.repeated(times),
            documents=self.documents * times,
        )

    def empty_batch(self) -> Batch:
        """The batch as the trainer makes it, on the default device, with no value written into it."""
        ids = torch.empty((self.lines, self.width), dtype=torch.int64)
        second = "position_ids" if self.is_packed else "attention_mask"
        inputs = {"input_ids": ids, second: torch.empty_like(ids)}
        keep, columns = torch.empty((self.kept,), dtype=torch.int64), self.kept
        if self.written:
            inputs["decoder_input_ids"] = torch.empty((self.lines, self.written), dtype=torch.int64)
        is_whole = bool(self.classes or self.written)
        if is_whole:
            columns = self.classes or self.written
        targets = torch.empty((self.lines, columns), dtype=torch.int64)
        weighs_rows = bool(self.answers or self.classes)
        return Batch(
            inputs=inputs,
            keep=None if is_whole else keep,
            targets=targets,
            rows=self.rows,
            tokens=self.tokens,
            trained_tokens=self.trained_tokens,
            units=self.rows if weighs_rows else self.trained_tokens,
            sequences=torch.empty_like(targets) if self.answers else None,
            reference=torch.empty((self.answers,)) if self.answers else None,
            weights=torch.empty((self.rows,)) if weighs_rows else None,
            mismatched=self.mismatched.empty_batch() if self.mismatched else None,
            documents=self.documents,
        )


@dataclass(frozen=True)
class Batches:
    """Many micro-batches, told by one of them: together they cost `times` as much as `typical`."""

    typical: MicroBatch
    times: float

    @classmethod
    def of(cls, batches: Sequence[MicroBatch], times: float = 1.0) -> Batches:
        """All of `batches`, so many `times` over; the typical one is nearest to their mean in what costs
        time: places, positions with logits, and pairs of places that attend to one another."""
        sizes = [(each.places, each.lines * each.kept, each.pairs) for each in batches]
        means = [max(1e-9, sum(column) / len(batches)) for column in zip(*sizes, strict=True)]

        def distance(number: int) -> float:
            shares: list[float] = [
                size / mean for size, mean in zip(sizes[number], means, strict=True)
            ]
            return sum(abs(share - shares[0]) for share in shares[1:]) + abs(shares[0] - 1) / 2

        nearest = min(range(len(batches)), key=distance)
        share = means[0] / max(1, sizes[nearest][0])
        return cls(batches[nearest], len(batches) * times * share)


@dataclass(frozen=True)
class RunShape:
    """A whole run: its largest micro-batch, one pass over its data, and the places that it computes.

    Where `is_measured` is False the data is not known: rows and tokens are then 0, and so are the
    steps unless the spec numbers them. `training` and `evaluation` are all micro-batches of all steps,
    and of all looks at the held-out rows; `passes` over the rows, the last one perhaps cut short.
    """

    largest: MicroBatch
    is_measured: bool
    rows: int
    tokens: int
    trained_tokens: int
    steps: int
    places: int
    evaluated_places: int
    held_out_tokens: int = 0
    held_out_rows: int = 0
    passes: int = 1
    training: Batches | None = None
    evaluation: Batches | None = None


@dataclass(frozen=True)
class Cost:
    """Bytes that a place and a kept position cost, roughly: enough to tell which batch is the largest."""

    place: float
    kept: float

    @classmethod
    def of_model(cls, shape: Architecture, recomputed_share: float) -> Cost:
        """Per place what each layer keeps; per kept position its logits, their copy and their gradient."""
        depth = max(1, shape.layers - recomputed(shape.layers, recomputed_share))
        layer = 4.0 * (12 * shape.hidden + 4 * shape.intermediate)
        return cls(place=depth * layer, kept=12.0 * shape.vocab)

    def of(self, batch: MicroBatch) -> float:
        """The batch's rough size in bytes."""
        return self.place * batch.places + self.kept * batch.lines * (batch.kept + batch.written)


def unknown_run(training: Training, choice: ObjectiveChoice, *, packed: bool) -> RunShape:
    """The shape while the data is not known: every row is as large as the settings let it be."""
    longest = choice.objective.longest(choice.settings, training.max_length)
    one = micro_batch([longest], choice.objective.layout, packed=packed)
    rows = training.rows_at_a_time
    if training.tokens_per_batch is not None:
        rows = min(rows, max(1, training.tokens_per_batch // one.places))
    largest = replace(
        one.repeated(rows), adds_up=rows * training.processes < training.rows_per_step
    )
    steps = training.max_steps or 0
    places = steps * training.rows_per_step * one.places
    batches = steps * training.rows_per_step / largest.rows
    known = Batches(largest, batches) if steps else None
    return RunShape(largest, False, 0, 0, 0, steps, places, 0, training=known)


def run_shape(
    rows: Sequence[Encoded],
    held_out: Sequence[Encoded],
    training: Training,
    cost: Cost,
    *,
    packed: bool,
    layout: Layout = "tokens",
) -> RunShape:
    """The shape of a run over rows as they are trained."""
    schedule = Schedule.plan(
        len(rows),
        training.rows_per_step,
        training.epochs,
        training.max_steps,
        training.seed,
    )
    largest, places, batches = _walk(rows, schedule, training, cost, packed=packed, layout=layout)
    whole = micro_batch(rows, layout, packed=packed)
    evaluated = micro_batch(held_out, layout, packed=True).tokens if held_out else 0
    looks = _cut(held_out, training, packed=packed, layout=layout)
    return RunShape(
        largest=largest,
        is_measured=True,
        rows=len(rows),
        tokens=whole.tokens,
        trained_tokens=whole.trained_tokens,
        steps=schedule.total_steps,
        places=places,
        evaluated_places=_evaluations(training, schedule) * evaluated,
        held_out_tokens=evaluated,
        held_out_rows=len(held_out),
        passes=-(-schedule.total_steps // schedule.steps_per_epoch),
        training=batches,
        evaluation=Batches.of(looks, _evaluations(training, schedule)) if looks else None,
    )


def _walk(
    rows: Sequence[Encoded],
    schedule: Schedule,
    training: Training,
    cost: Cost,
    *,
    packed: bool,
    layout: Layout,
) -> tuple[MicroBatch, int, Batches]:
    """The largest micro-batch of the schedule, the places of all its steps, and all of them."""
    steps_looked_at = min(schedule.total_steps, max(1, _MOST_ROWS // schedule.rows_per_step))

    def cut(taken: Sequence[Encoded]) -> list[MicroBatch]:
        return _cut(taken, training, packed=packed, layout=layout)

    steps = [cut([rows[row] for row in schedule.rows_of(step)]) for step in range(steps_looked_at)]
    places = sum(batch.places for step in steps for batch in step)
    batches = Batches.of(
        [batch for step in steps for batch in step], schedule.total_steps / steps_looked_at
    )
    if steps_looked_at < schedule.total_steps:
        places = places * schedule.total_steps // steps_looked_at
        steps.append(cut(by_length(rows)[: schedule.rows_per_step]))
    largest = max((batch for step in steps for batch in step), key=cost.of)
    return replace(largest, adds_up=any(len(step) > 1 for step in steps)), places, batches


def _cut(
    rows: Sequence[Encoded], training: Training, *, packed: bool, layout: Layout
) -> list[MicroBatch]:
    """The micro-batches that these rows are cut into."""
    if training.tokens_per_batch is not None and not packed:
        rows = by_length(rows)
    parts = groups(
        rows, training.rows_at_a_time, training.tokens_per_batch, packed=packed, layout=layout
    )
    return [micro_batch(part, layout, packed=packed) for part in parts]


def micro_batch(rows: Sequence[Encoded], layout: Layout = "tokens", *, packed: bool) -> MicroBatch:
    """The shape of the batch that `training.batching` makes of these rows."""
    lines = list(rows)
    if layout == "sequences":
        lines += [row.rejected for row in rows if row.rejected is not None]
    is_packed = packed and layout in PACKABLE
    lengths = [len(line.ids) for line in lines]
    kept = [_kept(line) for line in lines]
    trained, written = sum(map(len, kept)), 0
    if layout == "decoder":
        trained = sum(len(row.target) for row in rows)
        written = max(len(row.target) for row in rows)
    others = [row.mismatched for row in rows if row.mismatched is not None]
    return MicroBatch(
        rows=len(rows),
        tokens=sum(lengths) + (trained if layout == "decoder" else 0),
        trained_tokens=len(rows) if layout == "classes" else trained,
        lines=1 if is_packed else len(lines),
        width=sum(lengths) if is_packed else max(lengths),
        kept=trained if is_packed else len(set[int]().union(*kept)),
        is_packed=is_packed,
        pads=not is_packed and len(set(lengths)) > 1,
        answers=len(lines) if layout == "sequences" else 0,
        classes=len(rows[0].target) if layout == "classes" else 0,
        written=written,
        mismatched=micro_batch(others, layout, packed=packed) if others else None,
        documents=tuple(lengths) if is_packed else (),
    )


def _kept(row: Encoded) -> list[int]:
    """The positions whose next token is trained; the first token has nothing before it."""
    return [place for place, trained in enumerate(row.mask[1:]) if trained]


def _evaluations(training: Training, schedule: Schedule) -> int:
    """How often the held-out rows are looked at: once before, then as `eval_every` says."""
    if training.eval_every == "never":
        return 1
    if training.eval_every == "epoch":
        return 1 + -(-schedule.total_steps // schedule.steps_per_epoch)
    return 1 + schedule.total_steps // int(training.eval_every)
