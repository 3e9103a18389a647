"""A person's own file: odd names, semicolons, gaps; chosen by hand, named in words, trained, exported."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import tiny
from tests.journeys.person import Person

pytestmark = pytest.mark.shared_studio

COLUMNS = ("kolomna_x", "kolomna_y")


def odd_file(file: Path) -> Path:
    """30 rows, semicolons, column names that nobody knows, and two empty answers (rows 8 and 20)."""
    tiny.write_csv(file, 30, columns=COLUMNS, separator=";")
    lines = file.read_text(encoding="utf-8").splitlines()
    for place in (7, 19):
        lines[place] = lines[place].partition(";")[0] + ";"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_columns_are_chosen_by_hand_and_rows_without_answer_are_named_and_left_out(
    person: Person, tiny_model: Path, tmp_path: Path
) -> None:
    person.begins()
    person.chooses_model(tiny_model)
    person.uploads(odd_file(tmp_path / "own.csv"))
    expect(person.findings).to_contain_text("semicolon")
    # The other way round first, then right: what is shown follows the choice.
    person.says_which_column("response", "not used")
    person.says_which_column("prompt", COLUMNS[0])
    person.says_which_column("response", COLUMNS[1])
    expect(person.problems).to_contain_text("8 and 20")
    expect(person.problems).to_contain_text("the answer is empty")
    expect(person.problems).to_contain_text("28 of 30 rows")

    person.goes_on_to_method()
    person.sets("training-epochs", "10")
    person.opens_more_settings()
    person.sets("training-learning_rate", "0.01")
    run = person.starts_training("Own data")
    person.waits_until_done()
    person.page.goto(f"{person.studio.instance.address}export?run={run}")
    card = person.exports("Adapter only")

    expect(card).to_contain_text("Verified.")
    assert person.complaints == []


UNFIT = (
    ("nothing.csv", b"", "empty"),
    ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "picture"),
    ("sheet.xlsx", b"PK\x03\x04\x14\x00", "damaged"),
    ("header.csv", b"question,answer\n", "row"),
    ("one.csv", b"nr\n1\n2\n3\n4\n", "column"),
)


def test_files_that_cannot_be_used_are_explained_one_after_the_other_and_the_step_stays(
    person: Person, tmp_path: Path
) -> None:
    person.begins()
    person.chooses_model("starter")
    for name, content, words in UNFIT:
        file = tmp_path / name
        file.write_bytes(content)
        person.uploads(file)

        expect(person.findings).to_contain_text(words, ignore_case=True)
        person.page.locator("#next-1").click()
        expect(person.page.locator("#next-1")).to_be_visible()
        expect(person.page.locator("#next-2")).to_be_hidden()
        person.takes_the_file_away()


def test_a_half_filled_form_survives_a_reload_and_a_new_window(
    person: Person, tiny_model: Path, tmp_path: Path
) -> None:
    person.begins()
    person.chooses_model(tiny_model)
    person.uploads(tiny.write_csv(tmp_path / "replies.csv", 24))
    person.goes_on_to_method()
    person.sets("training-epochs", "7")
    person.page.wait_for_timeout(1500)
    assert "draft=" in person.page.url

    asked = person.events_asked_for
    for address in (person.page.url, person.studio.instance.address):
        asked.clear()
        person.page.goto(address)
        expect(person.page.locator("#training-epochs input")).to_have_value("7")
        person.page.wait_for_timeout(1500)
        # Filling the form changes most of its controls: dozens of runs, if each were followed. A busy
        # window may tell of some changes late, which are followed once more: four runs were seen.
        assert asked
        assert max(Counter(asked).values()) <= 6
        person.page.locator("#back-2").click()
        expect(person.findings).to_contain_text("replies.csv")
        person.page.locator("#next-1").click()


def test_impossible_values_are_named_all_at_once(
    person: Person, tiny_model: Path, tmp_path: Path
) -> None:
    person.begins()
    person.chooses_model(tiny_model)
    person.uploads(tiny.write_csv(tmp_path / "replies.csv", 24))
    person.goes_on_to_method()
    person.sets("training-epochs", "0")
    person.sets("lora-rank", "0")

    problems = person.page.locator("#problems")
    expect(problems).to_contain_text("Passes over your examples")
    expect(problems).to_contain_text("Capacity of the adapter")
    person.page.locator("#next-2").click()
    expect(person.page.locator("#start")).to_be_hidden()
