"""A model card says what the model learnt from: source, licence, rows, tokens, what was mended and found."""

from __future__ import annotations

import csv
from pathlib import Path

from studio.checks.data_card import data_card
from studio.checks.fixing import Subject, mend
from studio.checks.looking import look_through
from studio.data.columns import recognise
from studio.library import Library
from studio.settings import Home
from studio.spec import DataChoice
from tests import tiny


def test_the_card_names_source_licence_rows_tokens_fixes_and_findings(tmp_path: Path) -> None:
    library = Library(Home(tmp_path / "home").prepare())
    file = tmp_path / "private" / "mails.csv"
    file.parent.mkdir()
    rows = [*tiny.make_rows(20), ("Is there a desk?", ""), ("A | B?", "Ask ana@shop.example.")]
    with open(file, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("prompt", "response"), *rows])
    imported = library.import_file(file)
    mapping = recognise(imported.table)
    report = look_through(imported.table, mapping, held_out=0, costs=("cheap",))
    empty = next(each for each in report.found if each.check.name == "empty")
    subject = Subject(library.versions.first(imported.dataset.hash), imported.table, mapping)
    version = mend(library, subject, "empty", empty.finding, empty.check.fixes[0])
    choice = DataChoice(
        path=str(file), dataset=version.hash, columns=dict(mapping.roles), licence="CC BY 4.0"
    )

    card = data_card(
        library,
        choice,
        "chat",
        training_rows=19,
        held_out_rows=2,
        shape={"tokens": 1234, "trained_tokens": 567},
    ).as_markdown()

    assert "| Source | mails.csv |" in card
    assert str(tmp_path) not in card
    assert "| Licence | CC BY 4.0 |" in card
    assert "| Rows | 19 trained on, 2 held out; 22 in the source |" in card
    assert "| Tokens in one pass | 1,234, of which 567 learnt |" in card
    assert "- Leave these rows out: 1 row left out." in card
    assert "All checks were run" in card
    assert "20 of 21 rows are ready; 1 needs a look." in card
    assert "- Personal data: 1 row. A model can repeat" in card


def test_a_dataset_that_nobody_changed_says_so_and_its_own_licence_stands(tmp_path: Path) -> None:
    library = Library(Home(tmp_path / "home").prepare())
    kept = library.import_file(tiny.write_csv(tmp_path / "rows.csv", 12)).dataset
    library.set_licence(kept.hash, "mine")
    choice = DataChoice(dataset=kept.hash, columns={"prompt": "question", "response": "answer"})
    card = data_card(
        library, choice, "chat", training_rows=11, held_out_rows=1, shape={}
    ).as_markdown()
    assert "| Source | rows.csv |" in card
    assert "| Licence | mine |" in card
    assert "- Nothing was changed." in card
    assert "Tokens in one pass" not in card
