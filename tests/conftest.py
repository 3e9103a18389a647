"""What every test shares: marks by folder, and a data home that is nobody's own."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from studio import libraries

MARKS_BY_FOLDER = {"journeys": "journey", "gpu": "gpu"}
# A journey waits several times, each time up to ten minutes: the wait is to say what did not come.
JOURNEY_S = 3000
HOME_OF_THE_TESTS = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """No test may touch the data home of the person who runs it."""
    config.stash[HOME_OF_THE_TESTS] = tempfile.mkdtemp(prefix="whetstone-tests-")
    os.environ["STUDIO_HOME"] = config.stash[HOME_OF_THE_TESTS]
    os.environ |= libraries.PATIENT
    # With torch and Gradio loaded, looking for garbage as often as Python does by itself is a tenth of all.
    gc.set_threshold(50_000, 20, 20)
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Several processes of tests, each with a thread for every core, would wait for one another.
        os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the home away again."""
    shutil.rmtree(config.stash[HOME_OF_THE_TESTS], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in tests/journeys and tests/gpu, before `-m` selects by mark."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        if folder in MARKS_BY_FOLDER:
            item.add_marker(MARKS_BY_FOLDER[folder])
        if folder == "journeys":
            item.add_marker(pytest.mark.timeout(JOURNEY_S))
