"""The usual names of columns: compared without case, accents and signs, in every script."""

from __future__ import annotations

from studio.data import names
from studio.data.names import plain_name


def test_names_are_compared_without_case_accents_and_signs() -> None:
    assert plain_name(" Réponse_Client ") == "reponse client"
    assert plain_name("ｱﾝｻｰ") == "アンサー"
    assert plain_name("プロンプト") == "プロンプト"


def test_exact_names_come_before_names_that_only_contain_one() -> None:
    found = names.PROMPT.candidates(["customer question text", "question_id", "query"])
    assert [candidate.column for candidate in found] == ["query", "customer question text"]
    assert found[0].certainty == names.EXACT


def test_compounds_that_german_writes_as_one_word_are_known_by_their_ending() -> None:
    (asked,) = names.PROMPT.candidates(["Kundenfrage", "Fragebogen", "Antwort"])
    (said,) = names.RESPONSE.candidates(["Musterantwort", "Antwortdatum", "Kundenfrage"])
    assert (asked.column, said.column) == ("Kundenfrage", "Musterantwort")
    assert asked.certainty == said.certainty == names.PARTLY


def test_no_name_is_both_usual_and_loose() -> None:
    for usual in vars(names).values():
        if isinstance(usual, names.Usual):
            assert set(usual.names).isdisjoint(usual.loose)
