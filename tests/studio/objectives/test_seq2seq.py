"""Seq2seq: what is read and what is written."""

from __future__ import annotations

from studio.objectives.seq2seq import OBJECTIVE, Settings, cut
from tests import tiny
from tests.studio.objectives.making import examples


def test_the_words_before_are_read_and_the_end_is_written() -> None:
    tokenizer = tiny.make_tokenizer()
    (example,) = examples("seq2seq", {"source": "one lamp", "target": "eine Lampe"})

    row = OBJECTIVE.encode(example, tokenizer, Settings(prefix="translate: "))

    assert tokenizer.decode(row.ids) == "translate: one lamp"
    assert tokenizer.decode(row.target) == "eine Lampe" + tiny.END_OF_TURN
    assert sum(row.mask) == 0


def test_both_sides_are_cut_to_the_window() -> None:
    tokenizer = tiny.make_tokenizer()
    (example,) = examples("seq2seq", {"source": "lamp " * 50, "target": "kettle " * 50})

    (row,) = cut(OBJECTIVE.encode(example, tokenizer, Settings()), Settings(), 8)

    assert (len(row.ids), len(row.mask), len(row.target)) == (8, 8, 8)
