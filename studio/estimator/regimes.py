"""Regimes: micro-batches through which a step does the very same operations, only on other sizes."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from studio.estimator.microbatch import MicroBatch

# Sizes that samples are drawn from: large enough to be like real ones, small enough to be quick.
_FEWEST, _MOST = 24, 320
_MOST_LINES = 6


@dataclass(frozen=True)
class Ground:
    """What of a model decides where operations change: rows in a block of logits, and the lengths beyond
    which a sliding window masks."""

    block_rows: int
    windows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Regime:
    """All batches alike but for their sizes; `pattern` is one of them with its sizes left out."""

    ground: Ground
    pattern: MicroBatch
    documents: int
    masked: tuple[bool, ...]
    blocks: int
    is_one_line: bool
    answers_a_line: int

    @property
    def key(self) -> Hashable:
        """What makes it this regime."""
        return self

    def values(self, batch: MicroBatch) -> tuple[int, ...]:
        """The numbers that sizes of tensors are sums of, with fixed factors; the first is 1."""
        lines, width, kept = batch.lines, batch.width, batch.kept
        found = [1, width, width * width]
        if batch.is_packed:
            found += [kept] if kept else []
            if self.documents > 1:
                # A line of many documents is like one of two, the first of them and the rest.
                first, squares = batch.documents[0], sum(d * d for d in batch.documents)
                found += [squares, first, first * first]
            found += [batch.answers] if batch.answers else []
        else:
            found += [kept] if kept else []
            if not self.is_one_line:
                found += [lines, lines * width, lines * width * width]
                found += [lines * kept] if kept else []
        if self.blocks > 2:
            rows = lines * kept
            found.append((rows - 1) % self.ground.block_rows + 1)
        return tuple(found)

    def samples(self) -> list[MicroBatch]:
        """Small batches of this regime: two more than there are values, always the same ones."""
        chance = random.Random(0)
        found: dict[MicroBatch, None] = {}
        wanted = 0
        for _ in range(400):
            batch = self._drawn(chance)
            if batch is None or regime_of(batch, self.ground) != self:
                continue
            found[batch] = None
            wanted = len(self.values(batch)) + 2
            if len(found) >= wanted:
                break
        return list(found) if wanted and len(found) >= wanted else []

    def _drawn(self, chance: random.Random) -> MicroBatch | None:
        pattern = self.pattern
        if pattern.is_packed:
            documents = tuple(self._length(chance) for _ in range(self.documents))
            width, lines = sum(documents), 1
        else:
            documents = ()
            width, lines = self._length(chance), 1
            if not self.is_one_line:
                lines = chance.randint(2, _MOST_LINES)
                lines += lines % 2 if self.answers_a_line else 0
        kept = self._kept(chance, lines, width) if pattern.kept else 0
        if pattern.kept and not kept:
            return None
        rows, answers = lines, 0
        if pattern.is_packed:
            rows = self.documents
            answers = 2 * chance.randint(1, 8) if pattern.answers else 0
        elif self.answers_a_line:
            rows, answers = max(1, lines // 2), lines
        return replace(
            pattern,
            rows=rows,
            tokens=lines * width,
            trained_tokens=rows if pattern.classes else lines * kept,
            lines=lines,
            width=width,
            kept=kept,
            answers=answers,
            documents=documents,
        )

    def _length(self, chance: random.Random) -> int:
        """A document's length on its side of each window."""
        below = [w for w, masks in zip(self.ground.windows, self.masked, strict=True) if not masks]
        above = [w for w, masks in zip(self.ground.windows, self.masked, strict=True) if masks]
        least = max([2, *(window + 1 for window in above)])
        most = min([least + _MOST, *below])
        return chance.randint(min(max(least, _FEWEST), most), most)

    def _kept(self, chance: random.Random, lines: int, width: int) -> int:
        """Positions of a line whose logits are needed, in as many blocks as the regime has."""
        block = self.ground.block_rows
        least, most = (self.blocks - 1) * block + 1, self.blocks * block
        if self.blocks > 2:
            most = 6 * block
        least, most = -(-least // lines), most // lines
        if least < 2:
            most = max(2, min(most, width))
        return chance.randint(max(2, least), most) if max(2, least) <= most else 0


def regime_of(batch: MicroBatch, ground: Ground) -> Regime | None:
    """The regime of a batch; None where its sizes are not sums of a few numbers."""
    if batch.mismatched is not None or batch.written or batch.width < 2:
        return None
    lengths = batch.documents or (batch.width,)
    if min(lengths) < 2 or (batch.kept == 1) or (batch.is_packed and not batch.documents):
        return None
    masked = []
    for window in ground.windows:
        sides = {length > window for length in lengths}
        if len(sides) > 1:
            return None
        masked.append(sides.pop())
    answers = _answers_a_line(batch)
    if answers is None:
        return None
    rows = batch.lines * batch.kept
    pattern = replace(
        batch, rows=0, tokens=0, trained_tokens=0, lines=0, width=0,
        kept=min(batch.kept, 1), answers=min(batch.answers, 1), documents=(),
    )  # fmt: skip
    return Regime(
        ground=ground,
        pattern=pattern,
        documents=min(2, len(batch.documents)),
        masked=tuple(masked),
        blocks=min(3, -(-rows // ground.block_rows)) if rows else 0,
        is_one_line=batch.lines == 1,
        answers_a_line=answers,
    )


def _answers_a_line(batch: MicroBatch) -> int | None:
    """1 where each line is an answer weighed as a whole, beside another one for the same row."""
    if not batch.answers:
        return 0
    if batch.is_packed:
        return 1 if batch.answers == 2 * batch.rows else None
    return 1 if batch.answers == batch.lines == 2 * batch.rows else None


def windows_of(configurations: Sequence[object]) -> tuple[int, ...]:
    """The sliding windows that configurations speak of, ascending."""
    found = {
        value
        for config in configurations
        for name in ("sliding_window", "attention_chunk_size")
        if isinstance(value := getattr(config, name, None), int) and value > 0
    }
    return tuple(sorted(found))
