"""Preference: two answers to one question, or one with its mark."""

from __future__ import annotations

from typing import Any

import pytest

from studio.errors import AskedWrongly
from studio.objectives import Encoded
from studio.objectives.preference import OBJECTIVE, Settings, combine, cut, settle
from tests import tiny
from tests.studio.objectives.making import examples

PAIR = {"prompt": "Why?", "chosen": "Because it is.", "rejected": "No."}
GOOD = {"prompt": "Why?", "response": "Because it is.", "label": "yes"}
BAD = {"prompt": "Who?", "response": "Nobody.", "label": "no"}
KTO = Settings(algorithm="kto")


def trained(row: Encoded) -> str:
    ids = [token for token, on in zip(row.ids, row.mask, strict=True) if on]
    return str(tiny.make_tokenizer().decode(ids))


def test_both_answers_follow_the_same_question_and_only_they_are_trained() -> None:
    (example,) = examples("preference", PAIR)

    row = OBJECTIVE.encode(example, tiny.make_tokenizer(), Settings())

    assert row.rejected is not None
    begin = row.mask.index(1)
    assert row.ids[:begin] == row.rejected.ids[:begin]
    assert (trained(row), trained(row.rejected)) == ("Because it is.<|im_end|>", "No.<|im_end|>")


def test_of_a_conversation_only_the_last_answer_is_compared() -> None:
    prompt = [
        {"role": "user", "content": "A?"},
        {"role": "assistant", "content": "One."},
        {"role": "user", "content": "B?"},
    ]
    (example,) = examples("preference", {**PAIR, "prompt": prompt})

    assert (
        trained(OBJECTIVE.encode(example, tiny.make_tokenizer(), Settings()))
        == "Because it is.<|im_end|>"
    )


def test_a_marked_answer_counts_by_its_mark() -> None:
    settings = Settings(algorithm="kto", weight_good=2.0, weight_bad=0.5)

    rows = [
        OBJECTIVE.encode(each, tiny.make_tokenizer(), settings)
        for each in examples("preference", GOOD, BAD)
    ]

    assert [(row.is_good, row.weight) for row in rows] == [(True, 2.0), (False, 0.5)]


def test_beside_each_question_of_kto_stands_another_s_answer() -> None:
    rows = [
        OBJECTIVE.encode(each, tiny.make_tokenizer(), KTO)
        for each in examples("preference", GOOD, BAD)
    ]

    found = combine(rows, KTO, 512)

    assert [trained(row.mismatched) for row in found if row.mismatched] == [
        "Nobody.<|im_end|>",
        "Because it is.<|im_end|>",
    ]
    assert found[0].mismatched is not None
    assert found[0].mismatched.ids[: rows[0].mask.index(1)] == rows[0].ids[: rows[0].mask.index(1)]


def test_a_pair_of_which_one_answer_would_be_cut_away_is_no_row() -> None:
    row = Encoded([1, 2, 3], [0, 0, 1], rejected=Encoded([1, 2, 4, 5, 6, 7], [0, 0, 0, 0, 0, 1]))

    assert cut(row, Settings(), 4) == []
    assert len(cut(row, Settings(), 6)) == 1


@pytest.mark.parametrize(
    ("algorithm", "rows", "words"),
    [
        ("dpo", [GOOD, BAD], "Choose KTO"),
        ("kto", [PAIR, PAIR], "Choose DPO"),
        ("kto", [GOOD, GOOD], "All answers are marked good"),
    ],
)
def test_rows_that_do_not_suit_the_algorithm_are_refused_with_the_one_that_does(
    algorithm: Any, rows: list[dict[str, Any]], words: str
) -> None:
    found = [each for row in rows for each in examples("preference", row)]

    with pytest.raises(AskedWrongly, match=words):
        settle(Settings(algorithm=algorithm), found)
