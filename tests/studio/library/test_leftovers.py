"""What killed processes left behind: swept when it is old and nobody is at it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from filelock import FileLock

from studio.library.leftovers import SPOOLED_S, sweep
from studio.settings import Home

YEAR_S = 365 * 86_400.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def left(folder: Path) -> Path:
    folder.mkdir()
    (folder / "half.arrow").write_bytes(b"half")
    return folder


def test_old_leftovers_go_and_what_is_kept_stays(home: Home) -> None:
    kept = left(home.datasets / ("a" * 64))
    gone = [
        left(home.datasets / ".import-0123.partial"),
        left(home.datasets / ".hub--owner--tiny--abc.fetching"),
        left(home.tmp / "spooled-xyz"),
    ]
    assert sweep(home) == []  # all of it was written just now
    assert set(sweep(home, time.time() + YEAR_S)) == set(gone)
    assert [folder.exists() for folder in (kept, *gone)] == [True, False, False, False]


def test_a_download_may_rest_for_longer_than_an_import(home: Home) -> None:
    left(home.datasets / ".import-0123.partial")
    fetching = left(home.datasets / ".hub--owner--tiny--abc.fetching")
    sweep(home, time.time() + 2 * SPOOLED_S)
    assert list(home.datasets.iterdir()) == [fetching]


def test_a_download_that_somebody_is_at_stays(home: Home) -> None:
    fetching = left(home.datasets / ".hub--owner--tiny--abc.fetching")
    with FileLock(home.datasets / ".hub--owner--tiny--abc.lock"):
        assert sweep(home, time.time() + YEAR_S) == []
    assert sweep(home, time.time() + YEAR_S) == [fetching]
