"""A workbook full of mistakes: mapped by hand, seven problems found and mended, one undone, trained on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import tiny
from tests.journeys.person import Person
from tests.studio.checks.planted import COLUMNS, PLANTED, workbook
from tests.studio.ui.serving import ROOT

pytestmark = pytest.mark.shared_studio


def found(page: Page) -> dict[str, str]:
    """The checks in the list that need a look, with their words, as they stand at one moment."""
    items = page.locator("#checks-list").evaluate(
        "list => [...list.querySelectorAll('.check:not(.note)')]"
        ".map(item => [item.dataset.check, item.querySelectorAll('p')[1].innerText])"
    )
    return dict(items)


def fix(page: Page, button: str) -> None:
    """Click a fix and wait until the list is there again."""
    page.locator(f'#checks-list button[data-fix="{button}"]').click()
    expect(page.locator(f'#checks-list .check button[data-fix="{button}"]')).to_have_count(0)
    expect(page.locator("#checks-list .findings")).to_be_visible()


@pytest.fixture
def shots() -> Path | None:
    """Where pictures go, when somebody wants to see them."""
    folder = os.environ.get("STUDIO_SHOTS")
    return Path(folder) if folder else None


def test_a_wrong_column_is_corrected_a_problem_mended_and_undone_and_the_mask_is_seen(
    person: Person, tiny_model: Path, tmp_path: Path
) -> None:
    """The first half of the long way below, with one problem instead of seven."""
    page = person.page
    person.begins()
    person.chooses_model(tiny_model)
    person.uploads(workbook(tmp_path / "mails.xlsx"))
    person.says_which_column("response", COLUMNS["response"])
    checks = page.locator("#checks-list")
    expect(checks).to_contain_text("26 of 34 rows are ready; 8 need a look.")
    assert set(found(page)) >= {check for check, _, _ in PLANTED}

    fix(page, "personal:mask")
    expect(checks).to_contain_text("27 of 34 rows are ready; 7 need a look.")
    page.locator('#checks-list button[data-fix="undo"]').click()
    expect(checks).to_contain_text("26 of 34 rows are ready; 8 need a look.")
    first = page.locator("#seen ol.seen > li").first
    expect(first.locator(".learnt").first).to_have_css("text-decoration-line", "underline")
    asked, said = tiny.make_rows(1)[0]
    expect(first).to_contain_text(asked)
    # The rows were shown by the column that was taken first, until the model worker has shown them anew.
    expect(first).to_contain_text(said)
    assert "".join(first.locator(".learnt").all_text_contents()).startswith(said)
    assert person.complaints == []


@pytest.mark.long
def test_seven_problems_of_a_workbook_are_found_mended_undone_and_trained_past(
    person: Person, tiny_model: Path, tmp_path: Path, shots: Path | None
) -> None:
    page = person.page
    file = workbook(tmp_path / "mails.xlsx")

    def looks(name: str, place: Locator) -> None:
        if shots:
            for size in ((1280, 800), (900, 600)):
                for scheme in ("light", "dark"):
                    page.set_viewport_size({"width": size[0], "height": size[1]})
                    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    place.scroll_into_view_if_needed()
                    page.wait_for_timeout(400)
                    page.screenshot(path=shots / f"{name}-{scheme}-{size[0]}.png", full_page=False)
            page.set_viewport_size({"width": 1280, "height": 800})

    # The columns by hand: what was taken for the answer holds nothing to learn.
    person.begins()
    person.chooses_model(tiny_model)
    person.uploads(file)
    person.says_which_column("response", "Checked text")
    checks = page.locator("#checks-list")
    expect(checks).to_contain_text("26 of 34 rows are ready; 8 need a look.")

    # Seven problems, each with its row (two rows answer one question); the command finds the same.
    before = found(page)
    assert set(before) >= {check for check, _, _ in PLANTED}
    for check, _, row in PLANTED:
        assert re.search(rf"\b{row}\b", before[check]), (check, before[check])
    told = command(file)
    assert told["words"] == "26 of 34 rows are ready; 8 need a look."
    assert {
        each["check"]: each["words"] for each in told["problems"] if each["weight"] != "note"
    } == {check: " ".join(words.split()) for check, words in before.items()}
    looks("problems", checks)

    # Mended one by one, the last one undone and done again.
    for check, name, _ in PLANTED:
        fix(page, f"{check}:{name}")
    expect(checks).to_contain_text("All 30 rows are ready.")
    expect(page.locator("#checks-list .history li")).to_have_count(7)
    looks("mended", page.locator("#checks-list .history"))
    page.locator('#checks-list button[data-fix="undo"]').click()
    expect(checks).to_contain_text("29 of 30 rows are ready; 1 needs a look.")
    fix(page, "personal:mask")
    expect(checks).to_contain_text("All 30 rows are ready.")

    # One cell by hand, one row less; all of it survives a reload.
    page.get_by_text("Change rows by hand").click()
    page.locator("#hand-row textarea, #hand-row input").fill("36")
    page.locator("#hand-column input").click()
    page.locator("#hand-column").get_by_role("option", name="Checked text", exact=True).click()
    text = page.locator("#hand-text textarea")
    expect(text).to_have_value("Write to [EMAIL], please.")
    text.fill("Ask at the desk, please.")
    page.locator("#hand-write").click()
    expect(page.locator("#checks-list .history li")).to_have_count(8)
    page.locator("#hand-rows textarea, #hand-rows input").fill("5")
    page.locator("#hand-drop").click()
    expect(checks).to_contain_text("All 29 rows are ready.")
    looks("by-hand", page.locator("#by-hand"))
    page.wait_for_timeout(1_500)
    page.reload()
    expect(page.locator("#checks-list .history li")).to_have_count(9)

    # What of it is learnt: the answers, in colour and underlined; the questions are only read.
    seen = page.locator("#seen ol.seen > li")
    expect(seen).to_have_count(3)
    expect(page.locator("#seen .lengths")).to_contain_text("29 rows of ")
    answers = dict(tiny.make_rows(27))
    for row in seen.all():
        text = row.text_content() or ""
        asked = next(asked for asked in answers if asked in text)
        learnt = "".join(row.locator(".learnt").all_text_contents())
        assert learnt.startswith(answers[asked])
        assert asked not in learnt
        style = row.locator(".learnt").first.evaluate("token => getComputedStyle(token)")
        assert "underline" in style["textDecorationLine"]
        assert style["backgroundColor"] != "rgba(0, 0, 0, 0)"
    looks("seen", page.locator("#seen-card"))

    # And the training learns from what was mended.
    person.goes_on_to_method()
    person.sets("training-epochs", "2")
    run = person.starts_training("Mended")
    person.waits_until_done()
    spec = json.loads((person.studio.home.runs / str(run) / "spec.json").read_text("utf-8"))
    assert spec["data"]["columns"] == COLUMNS
    assert "26 rows to train on, 3 held out" in person.log
    assert person.complaints == []


def command(file: Path) -> dict[str, Any]:
    """What `data FILE --json` says of the same file with the same columns."""
    columns = [word for role in COLUMNS.items() for word in ("--column", "=".join(role))]
    home = ("--home", str(file.parent / "home-of-the-command"))
    done = subprocess.run(
        [sys.executable, "-m", "studio", "data", str(file), *columns, "--json", *home],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
