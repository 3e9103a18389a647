"""A real browser, a real studio, and a record of everything that the browser asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from studio.estimator import prices, rate
from studio.orders import Orders
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


class Studios:
    """Studios one after the other, each with a home of its own and with everything ended that it started."""

    def __init__(self, known_machine: Path, temporary: pytest.TempPathFactory) -> None:
        self._known_machine = known_machine
        self._temporary = temporary
        self._shared: PageServer | None = None

    def new(self) -> PageServer:
        """A started one that nobody has used."""
        home = self._temporary.mktemp("studio") / "home"
        shutil.copytree(self._known_machine, home)
        server = PageServer(home)
        try:
            return server.start()
        except BaseException:
            server.end_everything()
            raise

    def end(self, server: PageServer) -> None:
        """End it; what it found out of the machine is kept."""
        server.end_everything()
        for name in OF_THE_MACHINE:
            if (server.home.folder / name).exists():
                shutil.copy(server.home.folder / name, self._known_machine)

    def shared(self) -> PageServer:
        """The one that those use who leave it as it was."""
        self._shared = self._shared or self.new()
        return self._shared

    def look_after(self) -> None:
        """Let the shared one go where somebody left something running or broken behind."""
        if self._shared is None:
            return
        with closing(Orders(self._shared.home)) as orders:
            is_idle = all(job.state.is_ended for job in orders.queue.store.jobs())
        assert self._shared.process is not None
        if not is_idle or self._shared.process.poll() is not None:
            self.end_shared()

    def end_shared(self) -> None:
        """Nobody uses it any more."""
        if self._shared is not None:
            self.end(self._shared)
        self._shared = None


@pytest.fixture(scope="session")
def studios(known_machine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studios]:
    """Where studios come from."""
    studios = Studios(known_machine, tmp_path_factory)
    yield studios
    studios.end_shared()


@pytest.fixture
def studio(request: pytest.FixtureRequest, studios: Studios) -> Iterator[PageServer]:
    """A studio of the test's own, or the shared one for those marked so."""
    if is_shared(request.node):
        yield studios.shared()
        studios.look_after()
        return
    server = studios.new()
    yield server
    studios.end(server)


def is_shared(node: pytest.Item) -> bool:
    """Whether a test uses the shared studio; long ones never do."""
    marks = {mark.name for mark in node.iter_markers()}
    return "shared_studio" in marks and "long" not in marks


@pytest.fixture
def person(browser: Browser, studio: PageServer) -> Iterator[Person]:
    """A person at the studio's window. Afterwards: nothing was asked of any other machine."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce", accept_downloads=True
    )
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
