"""Making examples: the internal form, and the rows that are left out and why."""

from __future__ import annotations

from typing import Any

import pytest

from studio.data.examples import Message, build
from studio.data.table import Row

PAIR = {"prompt": "q", "response": "a"}


def turns(*roles_and_contents: str) -> list[dict[str, str]]:
    pairs = zip(roles_and_contents[::2], roles_and_contents[1::2], strict=True)
    return [{"role": role, "content": content} for role, content in pairs]


def checks_of(cell: Any) -> list[str]:
    return [found.check for found in build([{"m": cell}], {"messages": "m"}).problems]


def test_a_row_becomes_a_question_and_its_answer() -> None:
    (example,) = build([{"q": " Where? ", "a": "Here\n", "s": "x"}], PAIR).examples
    assert example.messages == (Message("user", "Where?"), Message("assistant", "Here"))
    assert example.answer == "Here"
    assert example.prompt == (Message("user", "Where?"),)


def test_a_system_prompt_comes_first_and_an_empty_one_not_at_all() -> None:
    rows = [{"q": "a", "a": "b", "s": "Be brief."}, {"q": "a", "a": "b", "s": ""}]
    first, second = build(rows, {**PAIR, "system": "s"}).examples
    assert first.messages[0] == Message("system", "Be brief.")
    assert [turn.role for turn in second.messages] == ["user", "assistant"]


def test_a_number_is_used_as_its_text() -> None:
    (example,) = build([{"q": "2 + 2?", "a": 4}], PAIR).examples
    assert example.answer == "4"


def test_empty_cells_are_named_by_row_and_line_and_left_out() -> None:
    rows: list[Row] = [
        {"q": "a", "a": "b"},
        {"q": "c", "a": " "},
        {"q": "d"},
        {"q": None, "a": "e"},
    ]
    built = build(rows, PAIR, numbers=[2, 3, 4, 5], lines=[2, 3, 5, 6])
    assert [example.number for example in built.examples] == [2]
    told = {problem.check: problem for problem in built.problems}
    assert told["empty_answer"].rows == (3, 4)
    assert told["empty_answer"].count == 2
    assert told["empty_answer"].words.startswith(
        "Rows 3 and 4 (lines 3 and 5 of the file): the answer is empty."
    )
    assert told["empty_prompt"].words.startswith("Row 5 (line 6 of the file): the question")


@pytest.mark.parametrize("blank", ["", " \t\n", "\u00a0", "\u200b\ufeff", "\u3000"])
def test_what_shows_nothing_is_empty(blank: str) -> None:
    assert build([{"q": "a", "a": blank}], PAIR).problems[0].check == "empty_answer"


def test_a_list_where_a_text_belongs_is_reported() -> None:
    assert build([{"q": ["a"], "a": "b"}], PAIR).problems[0].check == "not_text"


def test_of_many_rows_the_first_are_named_and_the_others_counted() -> None:
    (problem,) = build([{"q": "a", "a": ""}] * 2_000, PAIR).problems
    assert problem.count == 2_000
    assert len(problem.rows) == 1_000
    assert problem.words.startswith("Rows 1, 2, 3, 4, 5, 6, 7, 8 and 1,992 more: the answer")


def test_a_conversation_keeps_its_turns() -> None:
    cell = turns("System", "Be kind.", "user", "Hi", "assistant", "Hello", "user", "Bye")
    (example,) = build([{"m": [*cell, *turns("assistant", "Bye!")]}], {"messages": "m"}).examples
    assert [turn.role for turn in example.messages] == [
        *("system", "user", "assistant", "user", "assistant")
    ]


def test_a_conversation_written_as_text_is_read() -> None:
    cell = '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]'
    assert checks_of(cell) == []


@pytest.mark.parametrize(
    ("cell", "check"),
    [
        (None, "not_messages"),
        ("Hi", "not_messages"),
        ([], "not_messages"),
        (["Hi"], "not_messages"),
        ([{"content": "Hi"}], "not_messages"),
        (turns("user", "Hi"), "no_answer"),
        (turns("system", "Be kind."), "no_answer"),
        (turns("assistant", "Hi", "user", "Hello"), "no_answer"),
        (turns("assistant", "Hello"), "roles"),
        (turns("user", "a", "user", "b", "assistant", "c"), "roles"),
        (turns("user", "a", "robot", "b", "user", "c", "assistant", "d"), "roles"),
        (turns("user", "a", "system", "b", "assistant", "c"), "roles"),
        (turns("user", " ", "assistant", "b"), "empty_prompt"),
        (turns("user", "a", "assistant", ""), "empty_answer"),
        ([{"role": "user", "content": {"x": 1}}, *turns("assistant", "a")], "not_text"),
    ],
)
def test_a_conversation_that_cannot_be_learnt_from_is_reported(cell: Any, check: str) -> None:
    assert checks_of(cell) == [check]


def test_every_row_is_an_example_or_reported() -> None:
    rows: list[Row] = [{"q": "a", "a": "b"}, {"q": "", "a": ""}, {"q": {}, "a": "b"}]
    built = build(rows, PAIR)
    assert len(built.examples) + sum(found.count for found in built.problems) == built.rows == 3
