"""Encoding rows: cut to a length, and never trained as nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from studio.data.examples import Message
from studio.errors import DataProblem
from studio.spec import TrainSpec
from studio.training import encoding
from tests import tiny


def example(question: str, line: int) -> SimpleNamespace:
    turns = (("user", question), ("assistant", "Yes."))
    messages = tuple(Message(role, content) for role, content in turns)
    return SimpleNamespace(messages=messages, tools=(), line=line)


def test_rows_are_cut_on_the_right_and_counted() -> None:
    objective = TrainSpec.parse({}).objective
    rows = encoding.encode([example("Is it?", 2)], objective, tiny.make_tokenizer(), 512)
    whole = len(rows[0].ids)

    cut = encoding.encode([example("Is it?", 2)], objective, tiny.make_tokenizer(), whole - 2)

    assert len(cut[0].ids) == whole - 2
    spec = TrainSpec.parse({"training": {"max_length": whole - 2}})
    shape = encoding.shape(cut, spec)
    assert (shape.rows, shape.tokens, shape.cut_rows) == (1, whole - 2, 1)


def test_a_row_whose_answer_is_cut_away_whole_is_named() -> None:
    rows = [example("Short?", 2), example("Long? " * 100, 3)]

    with pytest.raises(DataProblem, match=r"1 row\(s\).*line 3"):
        encoding.encode(rows, TrainSpec.parse({}).objective, tiny.make_tokenizer(), 60)
