"""The micro-batches of a run: the largest of them, and what all of them amount to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

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
class Sizes:
    """Of micro-batches one after the other, int64[N] each: `places`, `pairs`, and `logits`, the
    positions whose logits are needed, `written` ones beside them. `batch(n)` is the whole shape of one."""

    places: NDArray[np.int64]
    logits: NDArray[np.int64]
    written: NDArray[np.int64]
    pairs: NDArray[np.int64]
    batch: Callable[[int], MicroBatch]

    @classmethod
    def of(cls, batches: Sequence[MicroBatch]) -> Sizes:
        """Those that are there."""
        sizes = [
            (each.places, each.lines * each.kept, each.lines * each.written, each.pairs)
            for each in batches
        ]
        places, logits, written, pairs = np.array(sizes, np.int64).T
        return cls(places, logits, written, pairs, batches.__getitem__)

    @classmethod
    def of_rows(
        cls,
        rows: Sequence[Encoded],
        taken: NDArray[np.int64],
        begins: NDArray[np.int64],
        *,
        packed: bool,
    ) -> Sizes:
        """Those that begin at the places `begins` of the rows as they are `taken`, where tokens are trained."""
        own, place = np.unique(taken, return_inverse=True)
        counts = np.diff(begins, append=len(taken))
        lengths = np.array([len(rows[row].ids) for row in own], np.int64)[place]
        if packed:
            kept = np.array([_count_kept(rows[row]) for row in own], np.int64)[place]
            sums = np.add.reduceat(np.stack([lengths, kept, lengths**2]), begins, axis=1)
            places, logits, pairs = sums
        else:
            width = np.maximum.reduceat(lengths, begins)
            bits = np.array([_kept_bits(rows[row]) for row in own], object)[place]
            kept = np.bitwise_or.reduceat(bits, begins)
            logits = counts * np.array([each.bit_count() for each in kept], np.int64)
            places, pairs = counts * width, counts * width**2

        def batch(number: int) -> MicroBatch:
            those = taken[begins[number] :][: counts[number]]
            return micro_batch([rows[row] for row in those], packed=packed)

        return cls(places, logits, np.zeros_like(places), pairs, batch)

    def largest(self, cost: Cost) -> MicroBatch:
        """The one that takes most memory, roughly."""
        sizes = cost.place * self.places + cost.kept * (self.logits + self.written)
        return self.batch(int(sizes.argmax()))


@dataclass(frozen=True)
class Batches:
    """Many micro-batches, told by one of them: together they cost `times` as much as `typical`."""

    typical: MicroBatch
    times: float

    @classmethod
    def of(cls, batches: Sizes, times: float = 1.0) -> Batches:
        """All of `batches`, so many `times` over; the typical one is nearest to their mean in what costs
        time: places, positions with logits, and pairs of places that attend to one another."""
        sizes = np.stack([batches.places, batches.logits, batches.pairs]).astype(np.float64)
        means = np.maximum(1e-9, sizes.mean(axis=1))
        shares = sizes / means[:, None]
        apart = np.abs(shares[1:] - shares[0]).sum(axis=0) + np.abs(shares[0] - 1) / 2
        nearest = int(apart.argmin())
        share = float(means[0] / max(1.0, sizes[0, nearest]))
        return cls(batches.batch(nearest), len(batches.places) * times * share)


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
    whole = micro_batch(rows, layout, packed=True)  # for its sums, which are the same either way
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
        evaluation=Batches.of(Sizes.of(looks), _evaluations(training, schedule)) if looks else None,
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
    looked_at = min(schedule.total_steps, max(1, _MOST_ROWS // schedule.rows_per_step))
    if layout == "tokens" and training.tokens_per_batch is None:
        # Thousands of rows, looked at whenever a slider moves.
        taken, begins = _taken(schedule, looked_at, training.rows_at_a_time)
        sizes = Sizes.of_rows(rows, taken, begins, packed=packed)
        adds_up = min(schedule.rows, schedule.rows_per_step) > training.rows_at_a_time
    else:
        parts = [
            _cut(
                [rows[row] for row in schedule.rows_of(step)],
                training,
                packed=packed,
                layout=layout,
            )
            for step in range(looked_at)
        ]
        sizes = Sizes.of([batch for part in parts for batch in part])
        adds_up = any(len(part) > 1 for part in parts)
    places, largest = int(sizes.places.sum()), sizes.largest(cost)
    if looked_at < schedule.total_steps:
        places = places * schedule.total_steps // looked_at
        long = by_length(rows)[: schedule.rows_per_step]
        met = _cut(long, training, packed=packed, layout=layout)
        adds_up |= len(met) > 1
        largest = max(largest, *met, key=cost.of)
    batches = Batches.of(sizes, schedule.total_steps / looked_at)
    return replace(largest, adds_up=adds_up), places, batches


def _taken(
    schedule: Schedule, steps: int, rows_at_a_time: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the first `steps` steps, one after the other, and where each micro-batch of them begins."""
    passes = range(-(-steps // schedule.steps_per_epoch))
    orders = [schedule.order(epoch).numpy() for epoch in passes]
    epoch, step = np.divmod(np.arange(steps), schedule.steps_per_epoch)
    begins = epoch * schedule.rows + step * schedule.rows_per_step
    ends = np.minimum(begins + schedule.rows_per_step, (epoch + 1) * schedule.rows)
    places = begins[:, None] + np.arange(0, schedule.rows_per_step, rows_at_a_time)
    return np.concatenate(orders)[: ends[-1]], places[places < ends[:, None]]


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
    trained, written = sum(map(_count_kept, lines)), 0
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
        kept=trained if is_packed else len(set[int]().union(*map(_kept, lines))),
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


def _kept_bits(row: Encoded) -> int:
    """Those positions as the bits of one number: rows of any length have their union by `|`."""
    bits = np.packbits(np.array(row.mask[1:], np.bool_), bitorder="little")
    return int.from_bytes(bits.tobytes(), "little")


def _count_kept(row: Encoded) -> int:
    """How many those positions are."""
    return sum(row.mask[1:])


def _evaluations(training: Training, schedule: Schedule) -> int:
    """How often the held-out rows are looked at: once before, then as `eval_every` says."""
    if training.eval_every == "never":
        return 1
    if training.eval_every == "epoch":
        return 1 + -(-schedule.total_steps // schedule.steps_per_epoch)
    return 1 + schedule.total_steps // int(training.eval_every)
