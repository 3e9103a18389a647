"""One page server for all tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.studio.ui.serving import PageServer


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """A page server that is up; tests leave it as it is."""
    server = PageServer(tmp_path_factory.mktemp("pages") / "home").start()
    yield server
    server.kill()
