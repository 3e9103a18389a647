"""The kind `lengths`: how long the rows are in this model's tokens, and what the chosen length cuts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind
from studio.worker.rows import MOST_ENCODED, encoded_rows

BINS = 24


def answer(bench: Bench, spec: dict[str, Any]) -> dict[str, Any]:
    """Counts of tokens of all rows at full length; empty without data.

    `{"rows", "is_sampled", "longest", "median", "tokens", "max_length", "cut_rows", "lost_tokens",
    "lost_rows", "bins": [{"from", "to", "rows"}]}`. `lost_rows` would have nothing left to train.
    """
    parsed = TrainSpec.parse(spec)
    base = bench.base(parsed.model.source, parsed.model.revision)
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
    }


def _lost(rows: Sequence[Encoded], spec: TrainSpec) -> int:
    """Rows of which the objective leaves nothing within the length."""
    objective, settings = spec.objective.objective, spec.objective.settings
    return sum(not objective.cut(row, settings, spec.training.max_length) for row in rows)


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
