"""Classification: which labels there are is settled once, and what cannot be learnt is said in words."""

from __future__ import annotations

from typing import Any

import pytest

from studio.errors import AskedWrongly, DataProblem
from studio.objectives.classification import OBJECTIVE, Settings, keep_all, settle
from tests import tiny
from tests.studio.objectives.making import examples


def labelled(*labels: Any) -> tuple[Any, ...]:
    rows = [{"text": f"Row {place}", "label": label} for place, label in enumerate(labels)]
    return examples("classification", *rows)


def test_the_labels_are_those_of_the_rows_in_order() -> None:
    assert settle(Settings(), labelled("b", "a", "b")).labels == ("a", "b")


def test_a_row_becomes_its_class_and_none_of_its_tokens_is_trained() -> None:
    rows = labelled("b", "a")

    row = OBJECTIVE.encode(rows[0], tiny.make_tokenizer(), settle(Settings(), rows))

    assert (row.target, row.weight, sum(row.mask)) == ((1,), 1.0, 0)


def test_several_labels_become_a_yes_or_no_each() -> None:
    rows = labelled(["a", "c"], "b; c", "a|b")
    settled = settle(Settings(several=True), rows)

    found = [OBJECTIVE.encode(row, tiny.make_tokenizer(), settled).target for row in rows]

    assert settled.labels == ("a", "b", "c")
    assert found == [(1, 0, 1), (0, 1, 1), (1, 1, 0)]


def test_rare_labels_are_weighed_up_and_a_row_still_counts_one_on_average() -> None:
    rows = labelled("often", "often", "often", "rare")
    settled = settle(Settings(balance="labels"), rows)

    weights = [OBJECTIVE.encode(row, tiny.make_tokenizer(), settled).weight for row in rows]

    assert weights == pytest.approx([4 / 6, 4 / 6, 4 / 6, 2.0], rel=1e-5)


def test_a_long_text_is_cut_and_keeps_its_label() -> None:
    rows = labelled("a", "b")
    row = OBJECTIVE.encode(rows[0], tiny.make_tokenizer(), settle(Settings(), rows))

    (cut,) = keep_all(row, Settings(), 2)

    assert (len(cut.ids), len(cut.mask), cut.target) == (2, 2, (0,))


@pytest.mark.parametrize(
    ("settings", "labels", "words"),
    [
        ({}, ["a", "a", "a"], "same label.*nothing to tell apart"),
        ({"labels": ["a", "b"]}, ["a", "b", "c"], "not listed: 'c'"),
        ({"labels": ["a", "b", "never"]}, ["a", "b"], "No row to train on has the label 'never'"),
        ({}, [f"text number {number}" for number in range(30)], "looks like text, not labels"),
        ({"weights": [1.0]}, ["a", "b"], "2 labels and 1 weights"),
    ],
)
def test_labels_that_cannot_be_learnt_are_refused_in_words(
    settings: dict[str, Any], labels: list[str], words: str
) -> None:
    with pytest.raises(AskedWrongly, match=words):
        settle(Settings.model_validate(settings), labelled(*labels))


def test_a_label_that_was_never_listed_names_its_line_and_the_nearest() -> None:
    rows = labelled("billing", "repairs")
    (typo,) = labelled("billin")

    with pytest.raises(DataProblem, match=r"Line 1: the label 'billin'.*Did you mean 'billing'"):
        OBJECTIVE.encode(typo, tiny.make_tokenizer(), settle(Settings(), rows))
