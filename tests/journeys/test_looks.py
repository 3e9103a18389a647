"""How the pages look and can be used: pictures of each, keyboard, headings, small windows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from jobs.models import JobState
from studio.orders import Orders
from studio.spec import TrainSpec
from tests import tiny
from tests.journeys.person import Person
from tests.studio.ui.serving import PageServer

Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[PageServer]:
    """A studio with a finished training, a verified export and a training that is paused."""
    folder = tmp_path_factory.mktemp("looks")
    server = PageServer(folder / "home").start()
    orders = Orders(server.home)
    spec = {
        "name": "Bike shop tone",
        "model": {"source": str(tiny_model)},
        "data": {"path": str(tiny.write_csv(folder / "replies.csv", 40))},
        "training": {"epochs": 20, "learning_rate": 0.01},
    }
    run = orders.train(TrainSpec.parse(spec))
    assert orders.queue.wait(run.id, on_text=None).state is JobState.SUCCEEDED
    export = orders.export(run.id, "adapter")
    assert orders.queue.wait(export.id, on_text=None).state is JobState.SUCCEEDED
    # One that has not ended: paused, as one that runs would keep both cores from the pages.
    other = orders.train(TrainSpec.parse({**spec, "name": "Night shift"}))
    orders.queue.store.pause(other.id)
    assert orders.queue.wait(other.id, on_text=None).state is JobState.PAUSED
    yield server
    server.end_everything()


def visitor(browser: Browser, studio: PageServer, size: tuple[int, int], scheme: Scheme) -> Person:
    """A person with a window of that size on a light or dark system."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    return Person(context.new_page(), studio)


def is_within_the_window(page: Page) -> bool:
    """Whether nothing stands out to the right, so that no one must scroll sideways."""
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def wait_until_still(page: Page) -> None:
    """Until what the page shows has been the same for 0.3 seconds; at most 1.2, as some of it runs on."""
    before, since = "", 0
    for _ in range(12):
        shown = page.evaluate(
            "document.body.innerText + document.body.scrollHeight + document.getAnimations().length"
        )
        before, since = shown, since + 1 if shown == before else 0
        if since == 3:
            return
        page.wait_for_timeout(100)


@pytest.mark.parametrize(
    ("size", "scheme"),
    [
        ((1280, 800), "light"),
        ((900, 600), "dark"),
        pytest.param((1280, 800), "dark", marks=pytest.mark.long),
        pytest.param((900, 600), "light", marks=pytest.mark.long),
    ],
)
@pytest.mark.some(1)
def test_every_page_fits_its_window_in_light_and_dark(
    browser: Browser,
    lived_in: PageServer,
    pictures: Path,
    size: tuple[int, int],
    scheme: Scheme,
) -> None:
    person = visitor(browser, lived_in, size, scheme)
    page = person.page

    def looks_at(name: str) -> None:
        wait_until_still(page)
        page.screenshot(path=pictures / f"{name}-{scheme}-{size[0]}x{size[1]}.png")
        assert page.locator("h1").count() == 1, name
        assert is_within_the_window(page), name

    person.opens()
    page.locator("#start-over").click()
    expect(page.locator("#figure-trainable")).to_be_visible()
    looks_at("1-model")
    page.locator("#next-0").click()
    page.get_by_text("The starter example data").click()
    expect(person.findings).to_contain_text("180 rows")
    looks_at("2-data")
    page.locator("#next-1").click()
    expect(page.locator("#training-epochs")).to_be_visible()
    looks_at("3-method")
    person.opens_more_settings()
    looks_at("3-method-more")
    page.locator("#next-2").click()
    expect(page.locator("#start")).to_be_visible()
    looks_at("4-review")
    person.opens("jobs")
    expect(page.locator("#jobs-table tbody tr")).to_have_count(3)
    looks_at("5-jobs")
    page.get_by_role("link", name="Bike shop tone", exact=True).click()
    expect(page.locator("#job-detail")).to_contain_text("Done")
    looks_at("5-jobs-done")
    person.opens("try")
    expect(page.locator(".suggestions button").first).to_be_visible()
    looks_at("6-try")
    person.opens("export")
    expect(page.locator(".verified")).to_be_visible()
    looks_at("7-export")
    assert person.complaints == []
    assert person.asked_elsewhere() == []
    page.context.close()


def test_the_pages_can_be_walked_with_the_keyboard_alone(
    browser: Browser, lived_in: PageServer
) -> None:
    person = visitor(browser, lived_in, (1280, 800), "light")
    page = person.page
    person.opens("jobs")
    expect(page.locator("#jobs-table tbody tr")).to_have_count(3)

    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.getAttribute('href') || document.activeElement.id"
            )
        )
    page.locator("a[data-job]", has_text="Bike shop tone").first.focus()
    page.keyboard.press("Enter")

    assert {"/", "/jobs", "/try", "/export"} <= set(reached)
    assert any(str(address).startswith("/jobs?job=") for address in reached)
    expect(page.locator("#job-detail")).to_contain_text("Bike shop tone")
    page.context.close()


def test_many_windows_are_warned_of_before_the_browser_runs_out_of_lines(
    browser: Browser, lived_in: PageServer
) -> None:
    context = browser.new_context()
    people = []
    for place in range(5):
        people.append(Person(context.new_page(), lived_in))
        people[-1].opens("try")
        expect(people[0].page.locator(".many")).to_be_visible(visible=place == 4)
    people[4].page.close()

    expect(people[0].page.locator(".many")).to_be_hidden()
    context.close()


def test_a_suggested_question_is_taken_over_with_a_click(
    browser: Browser, lived_in: PageServer
) -> None:
    person = visitor(browser, lived_in, (1280, 800), "light")
    person.opens("try")
    suggestion = person.page.locator(".suggestions button").first
    words = suggestion.inner_text()
    suggestion.click()

    expect(person.page.locator("#question textarea")).to_have_value(words)
    person.page.context.close()
