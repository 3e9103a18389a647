"""Several adapters on one base, all in the page: gone on from, asked side by side, combined, exported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import tiny
from tests.journeys.person import SOON_MS, TRAINING_MS, Person

pytestmark = pytest.mark.long


def test_a_person_goes_on_from_a_result_asks_both_and_combines_them(
    person: Person, tiny_model: Path, tmp_path: Path
) -> None:
    person.opens()
    person.chooses_model(tiny_model)
    person.uploads(tiny.write_csv(tmp_path / "replies.csv", 24))
    person.goes_on_to_method()
    person.sets("training-epochs", "2")
    first = person.starts_training("First")
    person.waits_until_done()

    # Go on from it: the form is filled in, and the adapter learns on.
    page = person.page
    page.get_by_role("link", name="Go on from it").click()
    expect(page.locator("#adapter input")).to_have_value(re.compile("First"), timeout=SOON_MS)
    expect(page.locator("#adapter-use")).to_be_visible()
    page.locator("#next-0").click()
    expect(page.locator("#findings")).to_contain_text("replies.csv")
    person.goes_on_to_method()
    second = person.starts_training("Second")
    person.waits_until_done()
    assert f"The adapter of training {first} (First) learns on." in person.log

    # Both, and the base, answer beside each other.
    person.opens(f"/try?run={second}")
    page.locator("#also input").click()
    page.get_by_role("option", name=re.compile("First")).click()
    page.locator("#question textarea").fill("Is the kettle in stock?")
    page.locator("#ask").click()
    expect(page.locator("#answers .answer.other .said")).to_be_visible(timeout=TRAINING_MS)
    expect(page.locator("#answers .answer")).to_have_count(3)

    # Combined, they are a training like any other.
    person.opens("/export")
    for name in ("Second", "First"):
        page.locator("#combine-parts input").click()
        page.get_by_role("option", name=re.compile(name)).click()
    page.locator("#combine-weights textarea, #combine-weights input").fill("0.5, 0.5")
    page.locator("#combine-name textarea, #combine-name input").fill("Both")
    page.locator("#combine").click()
    person.sees(re.compile(r"Job \d+: it can be chosen above"))
    person.opens(f"/jobs?job={second + 1}")
    person.waits_until_done()
    page.get_by_role("link", name="Export").last.click()
    expect(page.locator("#export-run input")).to_have_value(re.compile("Both"))
    page.locator("#export").click()
    expect(page.locator("#exports .verified")).to_be_visible(timeout=TRAINING_MS)
