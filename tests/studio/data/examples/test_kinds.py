"""The kinds of example beside conversations: what a row becomes, and what cannot become one."""

from __future__ import annotations

from typing import Any

import pytest

from studio.data.examples import KINDS, build

TALK = [{"role": "user", "content": "q"}]
GOOD = [*TALK, {"role": "assistant", "content": "yes"}]
BAD = [*TALK, {"role": "assistant", "content": "no"}]
SPOKEN = "\n\nHuman: q\n\nAssistant: "
PAIR = {
    "prompt": [{"role": "user", "content": "q"}],
    "chosen": [{"role": "assistant", "content": "yes"}],
    "rejected": [{"role": "assistant", "content": "no"}],
}


def example(row: dict[str, Any], objective: str) -> dict[str, Any]:
    """The one example of a row whose columns are named like their roles."""
    built = build([row], {name: name for name in row}, objective)
    assert built.problems == ()
    found: dict[str, Any] = built.examples[0].as_json()
    return found


def check(row: dict[str, Any], objective: str) -> str:
    """What is wrong with a row."""
    (problem,) = build([row], {name: name for name in row}, objective).problems
    return problem.check


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_names_its_roles_once_and_its_sets_are_of_them(kind: Any) -> None:
    names = [role.name for role in kind.roles]
    assert len(set(names)) == len(names)
    assert all(needed <= set(names) for needed in kind.role_sets)


def test_alpacas_parts_make_one_question_with_what_came_before() -> None:
    row = {"prompt": "Shorten", "input": "A long text", "response": "Text", "system": "Be brief."}
    row |= {"history": [["Hi", "Hello"]]}
    turns = example(row, "chat")["messages"]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "user", "assistant"]
    assert turns[3]["content"] == "Shorten\n\nA long text"
    assert example(row | {"input": ""}, "chat")["messages"][3]["content"] == "Shorten"


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "chosen": "yes", "rejected": "no"},
        {"prompt": TALK, "chosen": GOOD[1:], "rejected": BAD[1:]},
        {"prompt": "q", "chosen": GOOD, "rejected": BAD},
        {"chosen": GOOD, "rejected": BAD},
        {"chosen": SPOKEN + "yes", "rejected": SPOKEN + "no"},
        {"messages": TALK, "chosen": GOOD[1], "rejected": BAD[1]},
        {
            "messages": [{"from": "human", "value": "q"}],
            "chosen": {"from": "gpt", "value": "yes"},
            "rejected": {"from": "gpt", "value": "no"},
        },
    ],
)
def test_a_better_and_a_worse_answer_are_read_in_every_spelling(row: dict[str, Any]) -> None:
    assert example(row, "preference") == PAIR


@pytest.mark.parametrize(
    ("label", "is_good"), [(True, True), ("good", True), ("👎", False), (0, False), ("Nein", False)]
)
def test_one_answer_with_its_verdict_is_half_a_pair(label: Any, is_good: bool) -> None:
    for row in ({"prompt": "q", "response": "yes"}, {"messages": GOOD}):
        assert example(row | {"label": label}, "preference") == {
            "prompt": PAIR["prompt"],
            "response": PAIR["chosen"],
            "label": is_good,
        }


@pytest.mark.parametrize(
    ("row", "objective", "expected"),
    [
        ({"prompt": "q", "chosen": "a", "rejected": ""}, "preference", "empty_answer"),
        ({"chosen": GOOD, "rejected": GOOD[:1]}, "preference", "no_answer"),
        ({"prompt": "q", "response": "a", "label": "maybe"}, "preference", "not_a_verdict"),
        ({"prompt": "q", "response": "a", "label": ""}, "preference", "empty_label"),
        ({"text": "", "label": "x"}, "classification", "empty_text"),
        ({"text": "a", "label": None}, "classification", "empty_label"),
        ({"text": " "}, "text", "empty_text"),
        ({"source": "a", "target": ""}, "seq2seq", "empty_answer"),
    ],
)
def test_what_cannot_become_an_example_is_told(
    row: dict[str, Any], objective: str, expected: str
) -> None:
    assert check(row, objective) == expected


def test_labels_may_be_numbers_or_several() -> None:
    assert example({"text": "a", "label": 3}, "classification") == {"text": "a", "label": "3"}
    for cell in (["x", "y"], '["x", "y"]'):
        found = example({"text": "a", "label": cell}, "classification")
        assert found["label"] == ("x", "y")


def test_texts_and_pairs_are_kept_as_they_are() -> None:
    assert example({"text": " once "}, "text") == {"text": "once"}
    assert example({"source": "Hallo", "target": "Hello"}, "seq2seq") == {
        "source": "Hallo",
        "target": "Hello",
    }
