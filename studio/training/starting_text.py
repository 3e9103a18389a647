"""Starting texts: the tokens that a learned prompt begins as."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from studio.objectives import Encoded


def starting_ids(text: str, rows: Sequence[Encoded], tokenizer: Any, count: int) -> list[int]:
    """`count` token ids of `text`, or without one of the first rows' questions; repeated where too few.

    A row's question is what stands before its first trained token; a row that has none gives all of it.
    """
    if text:
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    else:
        questions = itertools.chain.from_iterable(_question(row) for row in rows)
        ids = list(itertools.islice(questions, count))
    return list(itertools.islice(itertools.cycle(ids), count))


def _question(row: Encoded) -> Sequence[int]:
    before = next((at for at, trained in enumerate(row.mask) if trained), len(row.ids))
    return row.ids[:before] or row.ids
