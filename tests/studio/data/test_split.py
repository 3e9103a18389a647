"""The split: the same for the same content, and no question on both sides."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.examples import Example, build
from studio.data.split import group_of, split, split_as_before
from studio.errors import DataProblem


def examples(*questions: str) -> tuple[Example, ...]:
    rows = [{"q": question, "a": f"answer {number}"} for number, question in enumerate(questions)]
    return build(rows, {"prompt": "q", "response": "a"}).examples


HUNDRED_AND_EIGHTY = examples(*(f"Question {number}?" for number in range(180)))


def questions(chosen: tuple[Example, ...]) -> set[str]:
    return {" ".join(example.messages[0].content.casefold().split()) for example in chosen}


def test_eleven_percent_of_180_rows_holds_out_20() -> None:
    training, held_out = split(HUNDRED_AND_EIGHTY, 0.11, 0)
    assert (len(training), len(held_out)) == (160, 20)


def test_nothing_is_held_out_of_a_share_of_nothing() -> None:
    assert split(HUNDRED_AND_EIGHTY, 0, 0) == (HUNDRED_AND_EIGHTY, ())


def test_the_smallest_share_holds_out_one() -> None:
    assert len(split(HUNDRED_AND_EIGHTY, 0.0001, 0).held_out) == 1


def test_the_order_of_the_file_does_not_matter_and_the_seed_does() -> None:
    shuffled = list(HUNDRED_AND_EIGHTY)
    random.Random(1).shuffle(shuffled)
    held_out = questions(split(HUNDRED_AND_EIGHTY, 0.2, 0).held_out)
    assert questions(split(shuffled, 0.2, 0).held_out) == held_out
    assert questions(split(HUNDRED_AND_EIGHTY, 0.2, 1).held_out) != held_out


def test_what_is_held_out_stays_so_when_rows_are_added_before_the_share_grows() -> None:
    few = questions(split(HUNDRED_AND_EIGHTY, 0.1, 0).held_out)
    more = questions(split(HUNDRED_AND_EIGHTY, 0.2, 0).held_out)
    assert few < more


@given(
    st.lists(st.sampled_from(["a", "A ", "b", " b\n", "c", "d  e", "D e"]), min_size=8),
    st.floats(0.01, 0.9),
    st.integers(0, 2**63),
)
def test_no_question_stands_on_both_sides_and_no_row_is_lost(
    asked: list[str], share: float, seed: int
) -> None:
    given_examples = examples(*asked)
    try:
        training, held_out = split(given_examples, share, seed)
    except DataProblem:
        return
    assert not questions(training) & questions(held_out)
    assert sorted(e.row for e in training + held_out) == list(range(len(asked)))


@pytest.mark.parametrize("asked", [(), ("a",), ("a", "A")])
def test_a_split_that_leaves_nothing_to_train_on_is_refused(asked: tuple[str, ...]) -> None:
    with pytest.raises(DataProblem, match="nothing is left to train on") as caught:
        split(examples(*asked), 0.1, 0)
    assert caught.value.fields[0].field == "data.held_out"


def test_what_was_held_out_before_comes_first_even_beyond_the_share() -> None:
    always = {group_of(example) for example in HUNDRED_AND_EIGHTY[5:45]}
    training, held_out = split(HUNDRED_AND_EIGHTY, 0.1, 0, always)
    assert {group_of(example) for example in held_out} == always
    assert len(training) == 140
    more = split(HUNDRED_AND_EIGHTY, 0.5, 0, always).held_out
    assert len(more) == 90
    assert {group_of(example) for example in more} > always


def test_a_split_as_before_is_that_split() -> None:
    first = split(HUNDRED_AND_EIGHTY, 0.3, 4)
    assert split_as_before(HUNDRED_AND_EIGHTY, set(map(group_of, first.held_out))) == first


def test_texts_without_a_question_are_each_a_group_of_their_own() -> None:
    texts = build([{"t": f"Text {n}"} for n in range(40)], {"text": "t"}, "text").examples
    training, held_out = split(texts, 0.1, 0)
    assert (len(training), len(held_out)) == (36, 4)
