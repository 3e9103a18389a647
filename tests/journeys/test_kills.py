"""kill -9 in the middle of a training: what runs goes on, what was killed comes back, the window too."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests import tiny
from tests.journeys.person import Person
from tests.studio.ui.serving import PageServer

PAGE_SERVER, DISPATCHER, MODEL_WORKER = (
    "studio.ui.server",
    "jobs.dispatcher",
    "studio.worker.service",
)


def steps_done(studio: PageServer, run: int) -> int:
    """How many steps the run's own file tells of."""
    file = studio.home.run(run) / "metrics.jsonl"
    return len(file.read_bytes().splitlines()) if file.exists() else 0


def wait_until(is_so: Callable[[], bool], what: str, patience_s: float = 300.0) -> None:
    """Wait for something that comes, or fail with its name."""
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, f"this did not come: {what}"
        time.sleep(0.2)


def starts_a_long_training(person: Person, model: Path, folder: Path) -> int:
    """A training that is in the middle of its steps when this returns."""
    person.opens()
    person.chooses_model(model)
    person.uploads(tiny.write_csv(folder / "replies.csv", 40))
    person.goes_on_to_method()
    person.sets("training-epochs", "120")
    run = person.starts_training("Long")
    wait_until(lambda: steps_done(person.studio, run) > 10, "the first steps")
    return run


def kill(processes: list[psutil.Process]) -> None:
    """kill -9 each that still lives."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


@pytest.mark.parametrize(
    "victims",
    [
        pytest.param((PAGE_SERVER,), marks=pytest.mark.long),
        pytest.param((DISPATCHER,), marks=pytest.mark.long),
        pytest.param((MODEL_WORKER,), marks=pytest.mark.long),
        pytest.param((), id="all three"),
    ],
)
def test_training_goes_on_and_the_open_window_shows_it_again(
    person: Person, studio: PageServer, tiny_model: Path, tmp_path: Path, victims: tuple[str, ...]
) -> None:
    run = starts_a_long_training(person, tiny_model, tmp_path)
    chosen = victims or (PAGE_SERVER, DISPATCHER, MODEL_WORKER)
    task = studio.processes("jobs.task_process")
    kill([each for words in chosen for each in studio.processes(words)])
    before = steps_done(studio, run)

    wait_until(lambda: steps_done(studio, run) > before + 5, "more steps after the kill")
    assert [each.pid for each in studio.processes("jobs.task_process")] == [
        each.pid for each in task
    ]

    if PAGE_SERVER in chosen:
        studio.kill()
        studio.start()
    # The same window, without a reload.
    person.waits_for_a_longer("log")
    person.waits_until_done()
    person.opens(f"jobs?job={run}")
    expect(person.page.locator("#job-detail")).to_contain_text("Done")
    assert "Attempt" not in person.page.locator("#job-detail").inner_text()


@pytest.mark.long
def test_a_training_is_cancelled_in_the_page_and_nothing_of_it_is_left(
    person: Person, studio: PageServer, tiny_model: Path, tmp_path: Path
) -> None:
    starts_a_long_training(person, tiny_model, tmp_path)
    person.page.locator("#cancel").click()
    person.page.locator("#cancel-sure").click()

    expect(person.page.locator("#job-detail .pill")).to_have_text("Cancelled")
    wait_until(lambda: not studio.processes("jobs.task_process"), "the end of the task process")
    expect(person.page.locator("#retry")).to_be_visible()
