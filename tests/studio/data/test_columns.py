"""Recognising columns by their names and contents, and checking a choice made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.data.columns import CONFIDENT, ColumnMapping, check_columns, objective_of, recognise
from studio.data.table import Table


def table(*columns: str, rows: list[dict[str, Any]] | None = None) -> Table:
    filled = rows or [{column: f"some text for {column}" for column in columns}] * 3
    places = range(1, len(filled) + 1)
    return Table(Path("rows.csv"), "csv", columns, filled, places, places)


def recognised(*columns: str) -> ColumnMapping:
    return recognise(table(*columns))


@pytest.mark.parametrize(
    ("prompt", "response"),
    [
        ("prompt", "response"),
        ("question", "answer"),
        ("instruction", "output"),
        ("Input", "OUTPUT"),
        ("query", "reply"),
        ("prompt", "completion"),
        ("user", "assistant"),
        ("Customer Message", "Agent reply"),
        ("customer_question", "expected_answer"),
        ("questionText", "answerText"),
        ("Frage", "Antwort"),
        ("Kundenanfrage", "Antwort"),
        ("Eingabe", "Ausgabe"),
        ("question", "réponse"),
        ("Demande", "Réponse"),
        ("entrée", "sortie"),
        ("Pregunta", "Respuesta"),
        ("consulta", "salida"),
        ("Pergunta", "Resposta"),
        ("solicitação", "saída"),
        ("问题", "回答"),
        ("指令", "输出"),
        ("用户问题", "客服回复"),
        ("質問", "回答"),
        ("お問い合わせ", "返信"),
        ("プロンプト", "応答"),
    ],
)
def test_usual_names_are_recognised_whatever_their_order(prompt: str, response: str) -> None:
    for columns in [(prompt, "no.", response), (response, "date", prompt)]:
        mapping = recognised(*columns)
        assert mapping.roles == {"prompt": prompt, "response": response}
        assert mapping.confidence >= CONFIDENT
        assert prompt in mapping.reason


def test_a_system_prompt_is_recognised_beside_them() -> None:
    mapping = recognised("system", "question", "answer")
    assert mapping.roles == {"prompt": "question", "response": "answer", "system": "system"}


def test_numbers_of_questions_are_not_questions() -> None:
    mapping = recognised("question_id", "frage", "answer_id", "antwort")
    assert mapping.roles == {"prompt": "frage", "response": "antwort"}


def test_two_columns_that_could_be_meant_lower_the_confidence() -> None:
    mapping = recognised("instruction", "query", "output")
    assert mapping.confidence < CONFIDENT
    assert "Left out, though it may be meant: 'query'" in mapping.reason


def test_an_empty_column_is_no_rival() -> None:
    rows = [{"instruction": "do", "query": "", "output": "done"}]
    mapping = recognise(table("instruction", "query", "output", rows=rows))
    assert mapping.confidence >= CONFIDENT


def test_of_two_columns_one_known_name_is_enough() -> None:
    mapping = recognised("blorb", "answer")
    assert mapping.roles == {"prompt": "blorb", "response": "answer"}
    assert CONFIDENT <= mapping.confidence < 0.7


def test_unknown_names_are_guessed_by_length_and_order_with_low_confidence() -> None:
    rows = [{"nr": "17", "glim": "a long text indeed", "x": "short", "fnord": "another long text"}]
    mapping = recognise(table("nr", "glim", "x", "fnord", rows=rows))
    assert mapping.roles == {"prompt": "glim", "response": "fnord"}
    assert mapping.confidence <= 0.3


@pytest.mark.parametrize("columns", [("text",), ("nr", "price")])
def test_without_any_text_there_is_no_mapping(columns: tuple[str, ...]) -> None:
    mapping = recognise(table(*columns, rows=[dict.fromkeys(columns, "12.50")]))
    assert mapping.roles == {}
    assert mapping.confidence == 0
    assert "no text in any" in mapping.reason


def test_with_an_objective_only_its_layouts_are_looked_for() -> None:
    found = table("source", "target")
    assert recognise(found).objective == "seq2seq"
    assert recognise(found, "chat").roles == {"prompt": "source", "response": "target"}
    assert recognise(found, "text").confidence < CONFIDENT
    pair = recognise(table("question", "answer"), "seq2seq")
    assert pair.roles == {"source": "question", "target": "answer"}
    none = recognise(found, "preference")
    assert none.roles == {}
    assert "a better and a worse answer" in none.reason


@pytest.mark.parametrize(
    "cell",
    [[{"role": "user", "content": "Hi"}], '[{"role": "user", "content": "Hi"}]'],
    ids=["list", "text"],
)
@pytest.mark.parametrize("column", ["messages", "dialogue"])
def test_a_column_of_conversations_is_recognised_by_what_it_holds(cell: Any, column: str) -> None:
    rows = [{"question": "q", "answer": "a", column: cell}]
    mapping = recognise(table("question", "answer", column, rows=rows))
    assert mapping.roles == {"messages": column}
    assert mapping.confidence >= 0.9


def test_a_right_choice_has_no_problems() -> None:
    assert check_columns(("a", "b", "c"), {"prompt": "a", "response": "b", "system": "c"}) == ()
    assert check_columns(("chat",), {"messages": "chat"}) == ()


def test_templates_and_values_inside_are_right_choices() -> None:
    columns = ("text", "language", "answers")
    roles = {"prompt": "Translate {text} into {language}", "response": "answers.text"}
    assert check_columns(columns, roles) == ()
    (problem,) = check_columns(columns, roles | {"prompt": "Translate {txt}"})
    assert "no column 'txt'. Did you mean 'text'?" in problem.words


def test_the_objective_is_told_by_the_roles_chosen() -> None:
    for roles, objective in [
        ("prompt response", "chat"),
        ("messages", "chat"),
        ("text", "text"),
        ("text label", "classification"),
        ("prompt chosen rejected", "preference"),
        ("prompt response label", "preference"),
        ("source target", "seq2seq"),
        ("prompt", "chat"),
    ]:
        assert objective_of({role: role for role in roles.split()}) == objective


def test_every_objective_has_its_roles() -> None:
    assert check_columns(("a", "b"), {"text": "a", "label": "b"}, "classification") == ()
    (problem,) = check_columns(("a", "b"), {"chosen": "a"}, "preference")
    assert problem.field == "data.columns.rejected"


def test_all_mistakes_of_a_choice_are_told_at_once() -> None:
    problems = check_columns(("frage", "antwort"), {"promt": "frage", "response": "antwrt"})
    told = {problem.field: problem.words for problem in problems}
    assert "Did you mean 'prompt'?" in told["data.columns.promt"]
    assert "Did you mean 'antwort'?" in told["data.columns.response"]
    assert "Choose the column for 'Question'" in told["data.columns.prompt"]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"prompt": "a", "response": "a"}, "is chosen more than once"),
        ({"prompt": "a", "response": "b", "messages": "c"}, "Choose either prompt and response or"),
        ({"prompt": "a"}, "Choose the column for 'Answer'"),
        ({}, "Choose the column for 'Answer'"),
    ],
)
def test_a_choice_that_cannot_be_is_told(roles: dict[str, str], expected: str) -> None:
    words = " ".join(problem.words for problem in check_columns(("a", "b", "c"), roles))
    assert expected in words
