"""Preparing a run's rows: encoded ahead of training, or found where they were encoded before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from studio.data.split import Split
from studio.objectives import Encoded
from studio.spec import ObjectiveChoice
from studio.training.ahead import Ahead
from studio.training.encoding import arrange, refuse_lost
from studio.training.kept_encodings import KeptEncodings, key_of
from studio.training.packed_rows import PackedRows


@dataclass(frozen=True)
class Kept:
    """Where encoded rows are kept, and what these were made of: a dataset, and its columns by role."""

    encodings: KeptEncodings
    dataset: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Prepared:
    """Rows to train on and rows held out, as `encoding.encode` gives them; `ahead` may still be at work.

    `were_known`: they had been encoded before.
    """

    training: Sequence[Encoded]
    held_out: Sequence[Encoded]
    ahead: Ahead
    were_known: bool


def prepare(
    split: Split, choice: ObjectiveChoice, tokenizer: Any, max_length: int, kept: Kept | None = None
) -> Prepared:
    """The rows of a split. Where a row of them is an example, this comes back before they are encoded.

    Raises DataProblem as `encoding.encode`; in that case when the row is wanted, or at `ahead.wait()`.
    """
    examples = sorted([*split.training, *split.held_out], key=lambda example: example.row)
    key = key_of(kept.dataset, kept.columns, choice, tokenizer) if kept else ""
    known = kept.encodings.find(key) if kept else None
    if known is not None and len(known) != len(examples):
        known = None
    objective, settings = choice.objective, choice.settings
    lost: list[int] = []

    def keep(rows: PackedRows) -> PackedRows:
        if kept is None or not kept.encodings.keep(key, rows):
            return rows
        return kept.encodings.find(key) or rows

    def note_lost(begin: int, rows: Sequence[Encoded]) -> None:
        lost.extend(
            example.line
            for example, row in zip(examples[begin:], rows, strict=False)
            if not objective.cut(row, settings, max_length)
        )

    ahead = Ahead(
        len(examples),
        lambda begin, end: objective.encode_all(examples[begin:end], tokenizer, settings),
        known,
        keep=keep,
        at_end=lambda: refuse_lost(lost, max_length),
    )
    ahead.watch(note_lost)
    ahead.start()
    places = {example.row: place for place, example in enumerate(examples)}
    training, held_out = (_Part(ahead, places, part, choice, max_length) for part in split)
    if objective.keeps_rows_apart(settings):
        return Prepared(training, held_out, ahead, known is not None)
    ahead.wait()
    return Prepared(
        arrange(training.whole(), choice, max_length),
        arrange(held_out.whole(), choice, max_length),
        ahead,
        known is not None,
    )


class _Part(Sequence[Encoded]):
    """The rows of one part of the split, each cut to the run's length when it is wanted."""

    def __init__(
        self,
        ahead: Ahead,
        places: Mapping[int, int],
        examples: Sequence[Any],
        choice: ObjectiveChoice,
        max_length: int,
    ) -> None:
        self._ahead = ahead
        self._places = [places[example.row] for example in examples]
        self._choice = choice
        self._max_length = max_length

    def whole(self) -> list[Encoded]:
        """The rows at their full length."""
        return [self._ahead[place] for place in self._places]

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Encoded: ...
    @overload
    def __getitem__(self, place: slice) -> list[Encoded]: ...
    def __getitem__(self, place: int | slice) -> Encoded | list[Encoded]:
        """A row, made anew each time."""
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        row = self._ahead[self._places[place]]
        cut = self._choice.objective.cut(row, self._choice.settings, self._max_length)
        if not cut:
            self._ahead.wait()  # tells of this row and of all others like it
        return cut[0]
