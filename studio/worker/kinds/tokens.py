"""The kind `tokens`: how long some rows are in the model's tokens, and how much of them is trained."""

from __future__ import annotations

import functools
from typing import Any

from studio.data.examples import Rejected, walk
from studio.data.stored import StoredRows, open_stored
from studio.errors import DataProblem
from studio.objectives import Encoded
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind


def answer(bench: Bench, spec: dict[str, Any], first: int, count: int) -> list[list[int]]:
    """`[[tokens, trained, trained within max_length]]` of each usable row from `first` on."""
    parsed = TrainSpec.parse(spec)
    base = bench.base(parsed.model.source, parsed.model.revision)
    parsed = base.fitted(parsed)
    tokenizer = bench.tokenizer(base)
    objective, settings = parsed.objective.objective, parsed.objective.settings
    rows = _opened(bench.home, str(parsed.data.dataset))[first : first + count]
    found = []
    for example in walk(rows, parsed.data.columns or {}, parsed.objective.name):
        if isinstance(example, Rejected):
            continue
        try:
            row = objective.encode(example, tokenizer, settings)
        except DataProblem:
            found.append([0, 0, 0])
            continue
        pieces = objective.cut(row, settings, parsed.training.max_length)
        found.append([len(row.ids), _trained(row), sum(map(_trained, pieces))])
    return found


def _trained(row: Encoded) -> int:
    """The tokens that are learnt; one where what is learnt is a class, not a text.

    The first token has nothing before it that could predict it.
    """
    return sum(row.mask[1:]) or int(bool(row.target))


@functools.lru_cache(maxsize=2)
def _opened(home: Home, hash_: str) -> StoredRows:
    return open_stored(home.datasets / hash_, hash_, is_trusted=True)


KIND = Kind("model", answer)
