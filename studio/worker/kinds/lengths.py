"""The kind `lengths`: how long the rows are in this model's tokens, and what the chosen length cuts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind
from studio.worker.rows import MOST_ENCODED, encoded_rows

BINS = 24
# The shorter length that is offered where memory is scarce still holds this share of the rows whole.
COVERED = 0.95
_MULTIPLE = 8


def answer(bench: Bench, spec: dict[str, Any]) -> dict[str, Any]:
    """Counts of tokens of all rows at full length; empty without data.

    `{"rows", "is_sampled", "longest", "median", "tokens", "max_length", "cut_rows", "lost_tokens",
    "lost_rows", "bins": [{"from", "to", "rows"}], "covering"}`. `lost_rows` would have nothing left to
    train; `covering` as `_covering` gives it.
    """
    parsed = TrainSpec.parse(spec)
    base = bench.base(parsed.model.source, parsed.model.revision)
    parsed = base.fitted(parsed)
    rows = encoded_rows(bench, parsed, base)
    if rows is None:
        return {}
    encoded = [*rows.training, *rows.held_out]
    lengths = sorted(max(map(len, (*row.lines(), row.target))) for row in encoded)
    most = parsed.training.max_length
    return {
        "rows": len(lengths),
        "is_sampled": len(lengths) > MOST_ENCODED,
        "longest": lengths[-1],
        "median": lengths[len(lengths) // 2],
        "tokens": sum(lengths),
        "max_length": most,
        "cut_rows": sum(length > most for length in lengths),
        "lost_tokens": sum(max(0, length - most) for length in lengths),
        "lost_rows": _lost(encoded, parsed),
        "bins": _bins(lengths),
        "covering": _covering(encoded, lengths, parsed),
    }


def _lost(rows: Sequence[Encoded], spec: TrainSpec) -> int:
    """Rows of which the objective leaves nothing within the length."""
    objective, settings = spec.objective.objective, spec.objective.settings
    return sum(not objective.cut(row, settings, spec.training.max_length) for row in rows)


def _covering(
    rows: Sequence[Encoded], lengths: Sequence[int], spec: TrainSpec
) -> dict[str, int] | None:
    """`{"max_length", "cut_rows", "lost_tokens"}` of the shortest length, in steps, that holds most rows
    whole and of every row something to train; None where that is no shorter than the chosen one.

    `lengths` ascending, of the same rows.
    """
    objective, settings = spec.objective.objective, spec.objective.settings
    shortest = lengths[math.ceil(len(lengths) * COVERED) - 1]
    length = max(_MULTIPLE, -(-shortest // _MULTIPLE) * _MULTIPLE)
    most = min(spec.training.max_length, lengths[-1])
    left = list(rows)
    while length < most:
        left = [row for row in left if not objective.cut(row, settings, length)]
        if not left:
            break
        length += _MULTIPLE
    if length >= most:
        return None
    kept = [objective.cut(row, settings, length) for row in rows]
    lost = [
        max(0, len(row.ids) - sum(len(piece.ids) for piece in pieces))
        for row, pieces in zip(rows, kept, strict=True)
    ]
    return {
        "max_length": length,
        "cut_rows": sum(each > 0 for each in lost),
        "lost_tokens": sum(lost),
    }


def _bins(lengths: Sequence[int]) -> list[dict[str, int]]:
    """Rows by length, in bins of equal width from the shortest to the longest; `lengths` ascending."""
    least, reach = lengths[0], lengths[-1] - lengths[0] + 1
    width = -(-reach // BINS)
    counts = [0] * (-(-reach // width))
    for length in lengths:
        counts[(length - least) // width] += 1
    return [
        {"from": least + place * width, "to": least + (place + 1) * width - 1, "rows": count}
        for place, count in enumerate(counts)
    ]


KIND = Kind("model", answer)
