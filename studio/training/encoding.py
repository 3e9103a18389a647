"""From kept rows to what the model sees: the examples of a spec, split and encoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from studio.errors import DataProblem
from studio.objectives import Encoded
from studio.spec import ObjectiveChoice, TrainSpec


@dataclass(frozen=True)
class Shape:
    """What the rows amount to, for the estimate and the result."""

    rows: int
    tokens: int
    trained_tokens: int
    cut_rows: int


def encode(
    examples: Iterable[Any], choice: ObjectiveChoice, tokenizer: Any, max_length: int
) -> list[Encoded]:
    """The rows that the examples are trained as, each within `max_length` tokens.

    Raises DataProblem naming the lines of which nothing would be left to train: such a row would be
    trained as nothing at all, silently.
    """
    examples = list(examples)
    rows = encode_whole(examples, choice, tokenizer)
    pieces = [choice.objective.cut(row, choice.settings, max_length) for row in rows]
    lost = [example.line for example, kept in zip(examples, pieces, strict=True) if not kept]
    refuse_lost(lost, max_length)
    return choice.objective.combine(list(chain.from_iterable(pieces)), choice.settings, max_length)


def refuse_lost(lines: Sequence[int], max_length: int) -> None:
    """Raises DataProblem where rows, on these lines of the file, are trained as nothing at all."""
    if not lines:
        return
    named = ", ".join(map(str, lines[:10])) + (" …" if len(lines) > 10 else "")
    raise DataProblem(
        f"{len(lines)} row(s) are so long that nothing of their answer is left within {max_length} "
        f"tokens (line {named}). Raise training.max_length, or shorten or remove those rows."
    )


def encode_whole(examples: Iterable[Any], choice: ObjectiveChoice, tokenizer: Any) -> list[Encoded]:
    """Every example at its full length, for `arrange` to make rows of."""
    return choice.objective.encode_all(list(examples), tokenizer, choice.settings)


def arrange(rows: Iterable[Encoded], choice: ObjectiveChoice, max_length: int) -> list[Encoded]:
    """Rows of full length cut and combined as `encode` does it; what is lost is left out."""
    kept = [
        piece for row in rows for piece in choice.objective.cut(row, choice.settings, max_length)
    ]
    return choice.objective.combine(kept, choice.settings, max_length)


def shape(rows: Sequence[Encoded], spec: TrainSpec) -> Shape:
    """Counts of rows as they are trained; one that fills `max_length` counts as cut."""
    layout, length = spec.objective.objective.layout, spec.training.max_length
    written = [len(row.target) if layout == "decoder" else 0 for row in rows]
    masks = [line for row in rows for line in (row, row.rejected) if line is not None]
    trained = sum(written) + sum(sum(line.mask[1:]) for line in masks)
    return Shape(
        rows=len(rows),
        tokens=sum(written) + sum(len(line.ids) for line in masks),
        trained_tokens=len(rows) if layout == "classes" else trained,
        cut_rows=sum(max(map(len, row.lines())) >= length for row in rows),
    )
