"""What every test shares: marks by folder, and a data home that is nobody's own."""

from __future__ import annotations

import gc
import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from studio import libraries

# Files of few tests that take long: where several processes share the work, none may be left over at the end.
SLOW_FIRST = (
    "studio/cli/test_whole_way.py",
    "studio/worker/test_client.py",
    "studio/tasks",
    "test_launch.py",
    "faults",
    "studio/training/ranks",
    "studio/estimator",
)
MARKS_BY_FOLDER = {"journeys": "journey", "gpu": "gpu"}
# A journey waits several times, each time up to ten minutes: the wait is to say what did not come.
JOURNEY_S = 3000
SEED = int(os.environ.get("STUDIO_TEST_SEED", "0"))
HOME_OF_THE_TESTS = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """No test may touch the data home of the person who runs it."""
    config.stash[HOME_OF_THE_TESTS] = tempfile.mkdtemp(prefix="whetstone-tests-")
    os.environ["STUDIO_HOME"] = config.stash[HOME_OF_THE_TESTS]
    os.environ |= libraries.PATIENT
    # With torch and Gradio loaded, looking for garbage as often as Python does by itself costs much.
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
    _leave_some(items)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    path = item.nodeid.removeprefix("tests/")
    return next(
        (at for at, slow in enumerate(SLOW_FIRST) if path.startswith(slow)), len(SLOW_FIRST)
    )


def _leave_some(items: list[pytest.Item]) -> None:
    """Of a test marked `some(n)`, only n of its cases that are not long stay so: the others become long.

    Which ones is drawn by the number in STUDIO_TEST_SEED, so that another one tries others.
    """
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("some") and not item.get_closest_marker("long"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for name, of_one in cases.items():
        mark = of_one[0].get_closest_marker("some")
        assert mark is not None
        wanted = min(mark.args[0], len(of_one))
        chosen = random.Random(f"{SEED} {name}").sample(range(len(of_one)), wanted)
        for number, item in enumerate(of_one):
            if number not in chosen:
                item.add_marker("long")
