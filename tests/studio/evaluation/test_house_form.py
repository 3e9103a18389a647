"""The starter data and its score: only who reads the mail can be right."""

from __future__ import annotations

import re

import pytest

from studio.data import columns, examples, readers, split
from studio.data.examples import Example
from studio.evaluation import house_form

EXAMPLE = "Order 48213, desk lamp: passed to Repairs."


def question_of(example: Example) -> str:
    return example.messages[0].content


def answer_of(example: Example) -> str:
    return example.messages[-1].content


@pytest.fixture(scope="module")
def data() -> split.Split:
    table = readers.read(house_form.STARTER_DATA)
    built = examples.build(table.rows, columns.recognise(table).roles)
    assert not built.problems
    return split.split(built.examples, 0.11, 0)


def masked(question: str) -> str:
    """A question without what varies in any wording: its numbers, its product, case and signs."""
    text = re.sub(r"\d+", "", question.lower())
    for product in house_form.PRODUCTS:
        text = text.replace(product, "")
    return " ".join(re.findall(r"[a-z']+", text))


def test_the_starter_data_are_180_rows_of_which_20_are_held_out(data: split.Split) -> None:
    assert (len(data.training), len(data.held_out)) == (160, 20)


def test_its_columns_are_recognised() -> None:
    table = readers.read(house_form.STARTER_DATA)

    assert columns.recognise(table).roles == {"prompt": "question", "response": "answer"}


def test_every_expected_answer_is_right(data: split.Split) -> None:
    pairs = [(question_of(row), answer_of(row)) for row in data.training + data.held_out]

    assert house_form.score(pairs) == 1.0


def test_order_number_and_product_of_every_answer_stand_in_its_question(data: split.Split) -> None:
    for row in data.training + data.held_out:
        note = house_form.read_note(answer_of(row))
        assert note is not None
        assert re.findall(r"\d+", question_of(row)) == [note.order]
        assert [name for name in house_form.PRODUCTS if name in question_of(row)] == [note.product]


def test_no_constant_answer_scores_more_than_a_tenth(data: split.Split) -> None:
    rows = data.training + data.held_out
    for constant in map(answer_of, rows):
        assert house_form.score((question_of(row), constant) for row in data.held_out) <= 0.1
        assert house_form.score((question_of(row), constant) for row in rows) <= 0.1


def test_held_out_rows_share_neither_order_number_nor_wording_with_training(
    data: split.Split,
) -> None:
    for what in (
        lambda row: masked(question_of(row)),
        lambda row: re.findall(r"\d+", answer_of(row))[0],
    ):
        trained = {what(row) for row in data.training}
        assert len(trained) == 160
        assert not trained & {what(row) for row in data.held_out}


def test_departments_and_products_are_closed_lists_that_training_shows_whole(
    data: split.Split,
) -> None:
    notes = [house_form.read_note(answer_of(row)) for row in data.training]

    assert {note.department for note in notes if note} == set(house_form.DEPARTMENTS)
    assert {note.product for note in notes if note} == set(house_form.PRODUCTS)


def test_the_rows_are_short(data: split.Split) -> None:
    for row in data.training + data.held_out:
        assert len(question_of(row).split()) <= 20


def test_blanks_around_an_answer_do_not_count_against_it() -> None:
    assert house_form.agrees(EXAMPLE, f" {EXAMPLE}\n")


@pytest.mark.parametrize(
    "answer",
    [
        "Order 48214, desk lamp: passed to Repairs.",
        "Order 48213, kettle: passed to Repairs.",
        "Order 48213, desk lamp: passed to Billing.",
        "Order 48213, desk lamp: passed to Repairs",
        "order 48213, desk lamp: passed to repairs.",
        "Order 48213, a desk lamp: passed to Repairs.",
        "Order 48213, desk lamp: passed to Repairs. Thank you!",
        "Thank you! Order 48213, desk lamp: passed to Repairs.",
        "Order 48213, desk lamp: passed to Repairs.\n" * 2,
        "",
    ],
)
def test_a_wrong_fact_or_a_broken_form_is_wrong(answer: str) -> None:
    assert not house_form.agrees(EXAMPLE, answer)


def test_an_expected_answer_outside_the_form_is_never_right() -> None:
    assert not house_form.agrees("Thank you.", "Thank you.")


def test_an_answer_is_judged_by_its_question(data: split.Split) -> None:
    first, second = data.held_out[:2]

    assert house_form.right(question_of(first), answer_of(first))
    assert not house_form.right(question_of(first), answer_of(second))


def test_the_score_of_nothing_is_nothing() -> None:
    assert house_form.score([]) == 0.0
