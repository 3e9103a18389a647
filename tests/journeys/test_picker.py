"""The picker: each method with its words, its settings, its live count, and its refusals."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from studio.methods import METHODS
from studio.ui.form import Kind, controls
from studio.ui.steps.picker_part import well_known
from tests import tiny
from tests.journeys.person import TRAINING_MS, Person
from tests.journeys.test_estimate import figure
from tests.journeys.test_looks import is_within_the_window

pytestmark = pytest.mark.shared_studio


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where the pictures go: STUDIO_SHOTS, else a folder that is thrown away."""
    folder = Path(os.environ.get("STUDIO_SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def looks(page: Page, folder: Path, name: str) -> None:
    """A picture in each window: light and dark, large and small; nothing reaches beyond its edge."""
    for width, height in ((1280, 800), (900, 600)):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(400)
            page.screenshot(path=folder / f"{name}-{scheme}-{width}x{height}.png", full_page=True)
            assert is_within_the_window(page), name


def picks(person: Person, name: str) -> None:
    """Search a method in the list of all, and choose it."""
    field = person.page.locator("#all-methods input")
    field.click()
    field.fill(METHODS[name].title)
    options = person.page.locator("#all-methods").get_by_role("option")
    options.filter(has_text=re.compile(rf"^\W*{re.escape(METHODS[name].title)} · ")).click()
    expect(settings(person, name)).to_be_visible()


def settings(person: Person, name: str) -> Locator:
    """The settings of a method as they are drawn now."""
    return person.page.locator(f'#method-settings .plain-form[data-method="{name}"]')


def at_the_method(person: Person, model: Path, folder: Path) -> None:
    """On to the third step with a model and data."""
    person.begins()
    person.chooses_model(model)
    person.uploads(tiny.write_csv(folder / "replies.csv", 24))
    person.goes_on_to_method()
    expect(settings(person, "lora")).to_be_visible()


def test_methods_are_searched_set_for_this_model_and_refused_at_the_control(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    page = person.page
    at_the_method(person, tiny_model, tmp_path)
    expect(page.locator("#method label")).to_have_count(len(well_known()))
    expect(page.locator("#method label").first).to_contain_text("LoRA")
    expect(page.locator("#tried")).to_contain_text("gradients to what trains", timeout=TRAINING_MS)

    # Which modules learn: this model's, with their counts; the figures follow.
    whole = int(figure(page, "trainable").replace(",", ""))
    page.get_by_text("Further settings of LoRA").click()
    targets = page.locator("#lora-targets")
    expect(targets).to_contain_text("14 of 14 linear layers")
    targets.locator(".segments label", has_text="Choose").click()
    targets.locator("tr", has_text="gate_proj").get_by_role("checkbox").uncheck()
    expect(targets).to_contain_text("12 of 14 linear layers")
    counted = page.locator("#figure-trainable strong")
    expect(counted).not_to_have_text(f"{whole:,}", timeout=TRAINING_MS)
    both = int(figure(page, "trainable").replace(",", ""))
    layers = page.locator("#lora-layers")
    layers.locator("select").select_option("last")
    layers.locator('[data-part="last"]').fill("1")
    expect(targets).to_contain_text("6 of 14 linear layers")
    # One of two layers of the same size.
    expect(counted).to_have_text(f"{both // 2:,}", timeout=TRAINING_MS)
    layers.locator("select").select_option("range")
    layers.locator('[data-part="from"]').fill("0")
    layers.locator('[data-part="to"]').fill("1")
    expect(targets).to_contain_text("12 of 14 linear layers")
    expect(counted).to_have_text(f"{both:,}", timeout=TRAINING_MS)
    layers.locator('[data-part="to"]').fill("5000")
    expect(layers).to_contain_text("this model has 2 layers, 0 to 1")
    layers.locator("select").select_option("last")
    layers.locator('[data-part="last"]').fill("1")
    expect(targets).to_contain_text("6 of 14 linear layers")
    targets.get_by_label("Ranks of single modules: q_proj").fill("2")
    looks(page, pictures, "picker-modules")

    # A reload shows the same.
    page.reload()
    expect(settings(person, "lora")).to_be_visible()
    page.get_by_text("Further settings of LoRA").click()
    expect(page.locator("#lora-targets")).to_contain_text("6 of 14 linear layers")
    page.get_by_text("The layers of this model, one by one").click()
    expect(page.get_by_label("Ranks of single modules: q_proj")).to_have_value("2")

    # What cannot be used is refused at its control, and the step is not left.
    person.sets("lora-rank", "0")
    expect(page.locator("#lora-rank")).to_contain_text("expected at least 1")
    page.locator("#next-2").click()
    expect(page.locator("#next-2")).to_be_visible()
    person.sets("lora-rank", "8")
    expect(page.locator("#lora-rank [role=alert]")).to_have_count(0)

    # Sizes that divide this model's widths are the only ones offered.
    picks(person, "oft")
    page.get_by_text("ettings of OFT").last.click()
    sizes = page.locator("#oft-block_size option").all_inner_texts()
    assert sizes == ["automatic", "2", "4", "8", "16", "32"]
    expect(page.locator("#method-about")).to_contain_text(METHODS["oft"].paragraph)

    # Few bits and a method that needs whole weights do not go together.
    picks(person, "full")
    page.get_by_text("More settings").last.click()
    page.locator("#quantization input").click()
    page.locator("#quantization").get_by_role("option", name="nf4", exact=True).click()
    expect(page.locator("#method-settings [role=alert]")).to_contain_text("cannot be used here")
    expect(page.locator("#figures .note.bad")).to_be_visible()
    looks(page, pictures, "picker-refused")
    expect(page.locator("#figures .note.bad")).to_be_visible()
    assert person.complaints == []


@pytest.mark.long
def test_advice_counts_the_rows_fits_the_machine_and_is_taken(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    page = person.page
    at_the_method(person, tiny_model, tmp_path)
    first = page.locator("#method label").first
    expect(first).to_contain_text("LoRA · advised")

    page.get_by_text("Help me choose").click()
    expect(page.locator("#advice-examples input")).to_have_value("24")
    advice = page.locator("#advice")
    expect(advice).to_contain_text("LoRA (capacity of the adapter 8")
    expect(advice).to_contain_text("that are free here", timeout=TRAINING_MS)
    page.locator("#advice-matters").get_by_text("forgets nothing").click()
    expect(first).to_contain_text("OFT · advised", timeout=TRAINING_MS)
    expect(advice).to_contain_text("that are free here", timeout=TRAINING_MS)
    looks(page, pictures, "picker-advice")
    page.locator("#take-advice").click()
    expect(settings(person, "oft")).to_be_visible()
    expect(first.locator("input")).to_be_checked()

    # Its mark is where it was once another is chosen, and it can be chosen again.
    page.locator("#method label", has_text="QLoRA").click()
    expect(settings(person, "qlora")).to_be_visible()
    first.click()
    expect(settings(person, "oft")).to_be_visible()

    page.locator("#advice-matters").get_by_text("as good as can be").click()
    expect(advice).to_contain_text("LoRA (capacity of the adapter 8")
    page.locator("#take-advice").click()
    expect(page.locator("#lora-rank input")).to_have_value("8")
    expect(page.locator("#figures.stale")).to_have_count(0, timeout=TRAINING_MS)

    # A reload shows what was taken, and the mark.
    page.reload()
    expect(page.locator("#lora-rank input")).to_have_value("8")
    expect(first).to_contain_text("LoRA · advised")
    assert person.complaints == []


@pytest.mark.long
def test_a_speed_of_learning_is_found_on_ones_own_rows_and_taken(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    page = person.page
    at_the_method(person, tiny_model, tmp_path)
    page.locator("#find-rate").click()
    expect(page.locator("#rate-said")).to_contain_text(re.compile("test", re.IGNORECASE))
    expect(page.locator("#rate-said figure")).to_be_visible(timeout=TRAINING_MS)
    take = page.locator("#take-rate")
    expect(take).to_have_text(re.compile(r"Take \S+"))
    found = take.inner_text().strip().removeprefix("Take ")
    looks(page, pictures, "picker-rate")
    take.click()
    expect(take).to_be_hidden()
    taken = page.locator("#training-learning_rate input").input_value()
    assert float(taken) == float(found)
    assert person.complaints == []


@pytest.mark.long
def test_every_method_has_its_words_its_settings_and_its_count_or_the_reason(
    person: Person, tiny_model: Path, tmp_path: Path, pictures: Path
) -> None:
    page = person.page
    at_the_method(person, tiny_model, tmp_path)
    figure(page, "trainable")
    silent = {}
    for name, method in METHODS.items():
        picks(person, name)
        expect(page.locator("#method-about")).to_contain_text(method.paragraph)
        for each in controls(method.settings):
            drawn = "data-pattern" if each.kind is Kind.PER_MODULE else "data-name"
            expect(
                settings(person, name).locator(f'[{drawn}="{each.name}"]').first
            ).to_be_attached()
        stale = page.locator("#figures.stale")
        expect(stale).to_have_count(0, timeout=TRAINING_MS)
        counted = page.locator("#figure-trainable strong")
        refused = page.locator("#method-settings [role=alert], #figures .why, #tried [role=alert]")
        if not counted.count() and not refused.count():
            silent[name] = page.locator("#figures").inner_text()
    assert silent == {}

    # This model has no biases: what is added is all that learns, and the page says so of this model.
    picks(person, "bitfit")
    expect(page.locator("#method-settings")).to_contain_text("biases that this model does not have")
    expect(page.locator("#figures.stale")).to_have_count(0, timeout=TRAINING_MS)
    added = f"{figure(page, 'trainable')} numbers, all 0 at first"
    expect(page.locator("#method-settings")).to_contain_text(added)
    looks(page, pictures, "picker-bitfit")
    assert person.complaints == []
