"""The live figures follow every control, what does not fit is made to fit, and the run tells how it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import tiny
from tests.journeys.person import TRAINING_MS, Person
from tests.journeys.test_looks import is_within_the_window
from tests.studio.ui.serving import PageServer

# Of this machine's memory the studio is allowed so little, as a person may want it.
LIMIT = {"STUDIO_MEMORY_LIMIT": "1200 MB"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wide enough that what passes through it counts beside the program itself."""
    folder = tmp_path_factory.mktemp("wide") / "wide"
    return tiny.make_model(folder, layers=4, hidden=512)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[PageServer]:
    """A studio that counts on little memory."""
    server = PageServer(tmp_path / "home", variables=LIMIT).start()
    yield server
    server.end_everything()


def figure(page: Page, name: str) -> str:
    """A figure of the live line, once it is of the form as it stands."""
    # The worker may first have to start, which a busy machine takes its time for.
    stale = re.compile(r"\bstale\b")
    expect(page.locator("#figures")).not_to_have_class(stale, timeout=TRAINING_MS)
    return page.locator(f"#figure-{name} strong").inner_text()


def changes(person: Person, setting: str, value: str, name: str) -> None:
    """Change a setting and see that figure follow."""
    before = figure(person.page, name)
    person.sets(setting, value)
    expect(person.page.locator(f"#figure-{name} strong")).not_to_have_text(
        before, timeout=TRAINING_MS
    )


def looks(page: Page, pictures: Path, name: str) -> None:
    """Pictures in light and dark, in a large and a small window."""
    for width, height in ((1280, 800), (900, 600)):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(500)
            file = pictures / f"{name}-{scheme}-{width}x{height}.png"
            page.screenshot(path=file, full_page=True)
            assert is_within_the_window(page), name


@pytest.mark.long
def test_figures_follow_every_control_and_what_does_not_fit_is_made_to_fit(
    browser: Browser, person: Person, model: Path, tmp_path: Path, pictures: Path
) -> None:
    page = person.page

    person.opens()
    person.chooses_model(model)
    person.uploads(tiny.write_csv(tmp_path / "replies.csv", 160))
    person.goes_on_to_method()
    person.opens_more_settings()
    changes(person, "lora-rank", "4", "trainable")
    changes(person, "training-epochs", "1", "time")
    changes(person, "training-batch_size", "8", "memory")
    changes(person, "training-max_length", "24", "memory")
    expect(page.locator("#panel .parts li").first).to_be_visible()
    person.sets("training-max_length", "512")
    expect(page.locator("#figure-verdict")).to_contain_text("Fits with room", timeout=TRAINING_MS)
    # Of 24 tokens nothing was left to train, so there was no time.
    expect(page.locator("#figure-time strong")).to_be_visible(timeout=TRAINING_MS)
    looks(page, pictures, "estimate-fits")
    # The picture in the README: STUDIO_SHOTS=docs pytest tests/journeys/test_estimate.py -m ""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#needs").screenshot(path=pictures / "estimate.png")

    person.sets("training-batch_size", "128")
    verdict = page.locator("#figure-verdict")
    expect(verdict).to_contain_text("Does not fit", timeout=TRAINING_MS)
    needed = figure(page, "memory")
    looks(page, pictures, "estimate-too-large")
    page.locator("#figures [data-fit]").click()
    expect(page.locator(".plan")).to_contain_text("Examples at a time: 128", timeout=TRAINING_MS)
    expect(verdict).to_contain_text(re.compile("Fits|Tight"), timeout=TRAINING_MS)
    expect(page.locator("#fit")).to_be_hidden()
    assert figure(page, "memory") != needed
    at_a_time = int(page.locator("#training-batch_size input").input_value())
    batches = int(page.locator("#training-gradient_accumulation input").input_value())
    assert at_a_time * batches == 128
    looks(page, pictures, "estimate-made-to-fit")
    page.locator("#fit-back").click()
    expect(page.locator("#training-batch_size input")).to_have_value("128")
    page.locator("#fit").click()
    expect(page.locator("#training-batch_size input")).to_have_value(
        str(at_a_time), timeout=TRAINING_MS
    )

    person.starts_training("Within bounds")
    person.waits_until_done()
    expect(page.locator("#job")).to_contain_text("Predicted and measured")
    expect(page.locator("#job")).to_contain_text("Most memory held")
    looks(page, pictures, "estimate-run")
    assert person.complaints == []


@pytest.mark.long
def test_all_methods_side_by_side_are_sorted_and_chosen_by_a_click(
    browser: Browser, person: Person, model: Path, tmp_path: Path, pictures: Path
) -> None:
    page = person.page
    person.opens()
    person.chooses_model(model)
    person.uploads(tiny.write_csv(tmp_path / "replies.csv", 96))
    person.goes_on_to_method()
    page.get_by_text("All methods side by side").click()
    table = page.locator("table.methods")
    expect(table.locator("tr[aria-current]")).to_contain_text("chosen", timeout=TRAINING_MS)
    expect(page.locator("#methods-table")).to_contain_text("All ", timeout=TRAINING_MS)
    table.locator('[data-sort="trainable"]').click()
    counts = [
        int(cell.replace(",", ""))
        for cell in table.locator('td[data-key="trainable"]').all_inner_texts()
    ]
    assert counts == sorted(counts)
    assert len(counts) > 2
    looks(page, pictures, "estimate-methods")
    before = figure(page, "trainable")
    table.locator('[data-method="full"]').click()
    expect(page.locator("#figure-trainable strong")).not_to_have_text(before, timeout=TRAINING_MS)
    chosen = table.locator("tr[aria-current]")
    expect(chosen).to_contain_text("Full", timeout=TRAINING_MS)
    expect(table.locator('[data-method="lora"]')).to_be_visible(timeout=TRAINING_MS)
    table.locator('[data-method="lora"]').click()
    expect(page.locator("#figure-trainable strong")).to_have_text(before, timeout=TRAINING_MS)
    page.get_by_text("All methods side by side").click()
    assert person.complaints == []
