"""Steering the queue in the window: order, pause, cancel, a kill and its recovery, a comparison."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from jobs.models import JobState
from studio.orders import Orders
from studio.spec import TrainSpec
from tests import tiny
from tests.journeys.person import Person
from tests.journeys.test_kills import kill, steps_done, wait_until
from tests.studio.ui.serving import PageServer


def queue_three(orders: Orders, model: Path, folder: Path) -> list[int]:
    """Three trainings of a few hundred steps, one slot: the first runs, the others wait."""
    data = tiny.write_csv(folder / "replies.csv", 40)

    def spec(name: str, **training: Any) -> TrainSpec:
        sections = {"model": {"source": str(model)}, "data": {"path": str(data)}}
        values = {"epochs": 20, **training}
        return TrainSpec.parse({"name": name, **sections, "training": values})

    specs = (
        spec("First"),
        spec("Second", learning_rate=0.01, epochs=10),
        spec("Third", epochs=900),
    )
    return [orders.train(each).id for each in specs]


def state(person: Person) -> Any:
    """The word for the chosen job's state."""
    return expect(person.page.locator("#job-detail .pill"))


def chooses(person: Person, name: str) -> None:
    """Click a job in the list."""
    person.page.locator("#jobs-table").get_by_role("link", name=name, exact=True).click()
    expect(person.page.locator("#job-detail h2")).to_have_text(name)


def test_three_jobs_are_ordered_paused_cancelled_killed_and_compared(
    person: Person, studio: PageServer, tiny_model: Path, tmp_path: Path
) -> None:
    page, orders = person.page, Orders(studio.home)
    first, second, third = queue_three(orders, tiny_model, tmp_path)
    person.opens(f"jobs?job={first}")
    rows = page.locator("#jobs-live tbody tr")
    expect(rows).to_have_count(3)
    wait_until(lambda: steps_done(studio, first) > 3, "the first steps")

    # The third is to run before the second: by its button, and what is shown is what runs.
    page.get_by_role("button", name="Run earlier: Third").click()
    expect(rows.nth(1)).to_contain_text("Third")
    assert [job.id for job in orders.queue.store.jobs()] == [first, third, second]
    # And back again, dragged.
    page.locator(f"tr[data-row='{second}']").drag_to(page.locator(f"tr[data-row='{third}']"))
    expect(rows.nth(1)).to_contain_text("Second")

    # Paused, the first makes room for the second; resumed, it goes on from where it was.
    page.locator("#pause").click()
    state(person).to_have_text("Paused")
    paused_at = steps_done(studio, first)
    page.locator("#resume").click()
    state(person).to_have_text(re.compile("Waiting|Starting|Training|Done"))

    # Killed with everything, what runs is seen to come back and go on.
    wait_until(
        lambda: any(job.state is JobState.RUNNING for job in orders.queue.store.jobs()),
        "a job runs",
    )
    for program in ("jobs.dispatcher", "jobs.runner", "jobs.task_process"):
        kill(studio.processes(program))
    person.waits_until_done()
    assert steps_done(studio, first) > paused_at
    chooses(person, "Second")
    person.waits_until_done()
    attempts = {job.id: job.attempt for job in orders.queue.store.jobs()}
    assert attempts[first] + attempts[second] >= 4  # a pause and a kill cost one attempt each

    # The third is cancelled; the page asks once.
    chooses(person, "Third")
    page.locator("#cancel").click()
    page.locator("#cancel-dialog [data-keep]").click()
    page.locator("#cancel").click()
    page.locator("#cancel-sure").click()
    state(person).to_have_text("Cancelled")

    # Searched for, by words that come all at once and go all at once, as pasted and erased ones do.
    every = page.locator("#jobs-table tbody tr")
    for words, count in (("Third", 1), ("no such", 0), ("", 3)):
        page.locator("#search").locator("input, textarea").fill(words)
        expect(every).to_have_count(count)

    # The two that are done, side by side.
    for run in (first, second):
        page.locator(f"input[data-compare='{run}']").check()
    page.locator("#compare").click()
    compared = page.locator("#comparison")
    expect(compared.locator("tr.differs", has_text="training.learning_rate")).to_be_visible()
    for run in ("run-0", "run-1"):
        expect(compared.locator(f"polyline.line.{run}").first).to_be_attached()
    assert person.complaints == []
