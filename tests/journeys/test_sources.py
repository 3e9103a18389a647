"""What people have at hand: cells pasted from a spreadsheet, a ZIP of documents, a PDF, a sample file."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from studio.ui.steps.source_part import SAMPLES
from tests import tiny
from tests.journeys.person import Person
from tests.studio.data.office import write_docx, write_pdf

pytestmark = pytest.mark.long

CLAUSES = (
    "The tenant pays the rent by the third working day of each month to the account named above.",
    "The landlord keeps the house fit to live in and mends what wears out with use.",
    "Whoever gives notice does so in writing, three months before the end of a quarter.",
    "Pets larger than a cat need a written yes, which is not refused without a reason.",
    "Keys that were lost are paid for by the one who lost them, the change of locks included.",
    "The yard belongs to all; bicycles stand there, cars do not.",
)
# Enough for several passages of the length that texts are split into.
PAGES = 60


def test_cells_pasted_from_a_spreadsheet_are_trained_on(
    person: Person, tiny_model: Path, pictures: Path
) -> None:
    page = person.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.opens()
    person.chooses_model(tiny_model)
    page.get_by_text("Paste from a spreadsheet").click()
    cells = "Question\tAnswer\n" + "".join(f"{q}\t{a}\n" for q, a in tiny.make_rows(20))
    page.evaluate("text => navigator.clipboard.writeText(text)", cells)
    page.locator("#data-paste textarea").click()
    page.keyboard.press("ControlOrMeta+V")

    expect(person.findings).to_contain_text("20 rows, 2 columns")
    expect(person.problems).to_contain_text("All 20 rows are ready.")
    expect(page.locator("#role-prompt input")).to_have_value("Question")
    expect(page.locator("#seen .learnt").first).to_be_visible()
    person.page.screenshot(path=pictures / "pasted.png")
    person.goes_on_to_method()
    person.sets("training-epochs", "1")
    page.locator("#next-2").click()
    expect(page.locator("#summary")).to_contain_text("All 20 rows are ready.")
    person.page.screenshot(path=pictures / "pasted-review.png")
    person.page.locator("#start").click()
    person.page.wait_for_url(re.compile(r"/jobs\?job=\d+"))
    person.waits_until_done()
    person.page.screenshot(path=pictures / "pasted-done.png")
    assert person.complaints == []


def test_a_zip_of_word_documents_becomes_texts_to_continue(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    archive = tmp_path / "contracts.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(5):
            title = ("Heading1", f"Contract {number + 1}")
            file = write_docx(
                tmp_path / f"contract {number + 1}.docx",
                [title, *(f"{each} This is part {number + 1}." for each in CLAUSES)],
            )
            packed.write(file, f"contracts/{file.name}")
    person.opens()
    person.chooses_model(tiny_model)
    person.uploads(archive)

    expect(person.page.locator("#objective label.selected")).to_contain_text("Continue my texts")
    expect(person.page.locator("#role-text input")).to_have_value("text")
    expect(person.problems).to_contain_text("rows are ready")
    expect(person.page.locator("#preview")).to_contain_text("The tenant pays the rent")
    expect(person.page.locator("#seen .learnt").first).to_be_visible()
    person.page.screenshot(path=pictures / "zip.png")
    person.goes_on_to_method()
    person.page.locator("#next-2").click()
    expect(person.page.locator("#summary")).to_contain_text("contracts.zip")
    person.page.screenshot(path=pictures / "zip-review.png")
    assert person.complaints == []


def test_a_pdf_becomes_its_paragraphs_without_what_stands_on_every_page(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    asked = ("wash their hands", "speak softly", "leave flowers outside", "come in pairs")
    pages = [
        [
            "House rules of the clinic",
            "",
            *_lines(f"On ward {number} visitors are asked to {asked[number % len(asked)]}."),
            "",
            *_lines(
                f"Whoever comes after eight rings at the side door of ward {number} and waits."
            ),
            "",
            f"Page {number} of {PAGES}",
        ]
        for number in range(1, PAGES + 1)
    ]
    person.opens()
    person.chooses_model(tiny_model)
    person.uploads(write_pdf(tmp_path / "rules.pdf", pages))

    preview = person.page.locator("#preview")
    expect(preview).to_contain_text("On ward 1 visitors are asked to speak softly.")
    expect(preview).not_to_contain_text(f"of {PAGES}")
    expect(person.findings).to_contain_text("stand on most pages")
    expect(person.problems).to_contain_text("rows are ready")
    expect(person.page.locator("#seen .learnt").first).to_be_visible()
    person.page.screenshot(path=pictures / "pdf.png")
    person.goes_on_to_method()
    assert person.complaints == []


@pytest.mark.parametrize("name", [name for name, _ in SAMPLES])
def test_a_sample_is_downloaded_from_the_page_and_started_from(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path, name: str
) -> None:
    person.opens()
    person.chooses_model(tiny_model)
    person.page.get_by_text("Sample files to start from").click()
    with person.page.expect_download() as waiting:
        person.page.locator(f'#samples a[download="{name}"]').click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    person.uploads(file)

    expect(person.problems).to_contain_text("ready")
    person.page.screenshot(path=pictures / f"sample-{file.stem}-{file.suffix[1:]}.png")
    person.goes_on_to_method()
    person.page.locator("#next-2").click()
    expect(person.page.locator("#start")).to_be_visible()
    person.page.screenshot(path=pictures / f"sample-{file.stem}-{file.suffix[1:]}-review.png")
    assert person.complaints == []


def _lines(text: str) -> list[str]:
    """A sentence as a page breaks it: lines of at most 40 letters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > 40:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
