"""What every test shares: marks by folder, and a data home of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

MARKS_BY_FOLDER = {"journeys": "journey", "gpu": "gpu"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in tests/journeys and tests/gpu, before `-m` selects by mark."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        if folder in MARKS_BY_FOLDER:
            item.add_marker(MARKS_BY_FOLDER[folder])


@pytest.fixture(autouse=True)
def _home_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test may touch the data home of the person who runs it."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path_factory.getbasetemp() / "home-of-the-tests"))
