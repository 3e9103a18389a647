"""A real browser, a real studio, and a record of everything that the browser asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from studio.estimator import prices, rate
from tests import browser as browsers
from tests import tiny
from tests.journeys.person import Person
from tests.studio.ui.serving import PageServer

# As root and without a screen; and nothing that a browser does on its own account.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

OF_THE_MACHINE = (prices.FILE_NAME, rate.FILE_NAME)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all journeys; each has a context of its own."""
    found = browsers.find()
    if found is None:
        pytest.skip("no browser of Chromium's family is here")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random chat model on disk."""
    return tiny.make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def known_machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first home found out of this machine's speed, so that each further one need not."""
    return tmp_path_factory.mktemp("machine")


@pytest.fixture
def studio(tmp_path: Path, known_machine: Path) -> Iterator[PageServer]:
    """A studio with a home of its own, ended with everything that it started."""
    home = tmp_path / "home"
    shutil.copytree(known_machine, home)
    server = PageServer(home)
    try:
        yield server.start()
    finally:
        server.end_everything()
    for name in OF_THE_MACHINE:
        if (home / name).exists():
            shutil.copy(home / name, known_machine)


@pytest.fixture
def person(browser: Browser, studio: PageServer) -> Iterator[Person]:
    """A person at the studio's window. Afterwards: nothing was asked of any other machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    somebody = Person(context.new_page(), studio)
    yield somebody
    context.close()
    assert somebody.asked_elsewhere() == []


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where the pictures go: STUDIO_SHOTS, else a folder that is thrown away."""
    folder = Path(os.environ.get("STUDIO_SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
