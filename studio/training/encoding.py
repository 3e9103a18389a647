"""From kept rows to what the model sees: the examples of a spec, split and encoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from studio.errors import DataProblem
from studio.objectives import Encoded
from studio.spec import ObjectiveChoice


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
    """Encode every example, cut to `max_length` tokens on the right.

    Raises DataProblem naming the lines whose answer would be cut away whole: such a row would be
    trained as nothing at all, silently.
    """
    encoded, lost = [], []
    for example in examples:
        row = choice.objective.encode(example, tokenizer, choice.settings)
        row = Encoded(row.ids[:max_length], row.mask[:max_length])
        # The first token has nothing before it that could predict it.
        if not any(row.mask[1:]):
            lost.append(example.line)
        encoded.append(row)
    if lost:
        lines = ", ".join(map(str, lost[:10])) + (" …" if len(lost) > 10 else "")
        raise DataProblem(
            f"{len(lost)} row(s) are so long that nothing of their answer is left within {max_length} "
            f"tokens (line {lines}). Raise training.max_length, or shorten or remove those rows."
        )
    return encoded


def shape(rows: Sequence[Encoded], max_length: int) -> Shape:
    """Counts of encoded rows; a row that fills `max_length` counts as cut."""
    return Shape(
        rows=len(rows),
        tokens=sum(len(row.ids) for row in rows),
        trained_tokens=sum(sum(row.mask[1:]) for row in rows),
        cut_rows=sum(len(row.ids) >= max_length for row in rows),
    )
