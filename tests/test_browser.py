"""Which browser the journeys drive."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import browser

posix_only = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")


def stand_in(folder: Path, name: str, exit_code: int) -> Path:
    """A program of that name that ends with that code."""
    program = folder / name
    program.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    program.chmod(0o755)
    return program


def test_windows_looks_in_the_folders_of_programs() -> None:
    places = browser.likely_places("win32", {"ProgramFiles": "P"}, Path("H"), lambda name: None)

    assert Path("P/Microsoft/Edge/Application/msedge.exe") in map(Path, places)


def test_macos_looks_among_the_apps_of_machine_and_user() -> None:
    places = list(browser.likely_places("darwin", {}, Path("H"), lambda name: None))

    assert "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" in places
    assert str(Path("H/Applications/Chromium.app/Contents/MacOS/Chromium")) in places


def test_commands_on_the_path_are_found() -> None:
    known = {"microsoft-edge": "/usr/bin/microsoft-edge"}

    assert list(browser.likely_places("linux", {}, Path("H"), known.get)) == [*known.values()]


@posix_only
@pytest.mark.skipif(sys.platform == "darwin", reason="an installed app comes first on macOS")
def test_a_stub_that_only_points_to_a_shop_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "chromium", 1)
    works = stand_in(tmp_path, "google-chrome", 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(browser.VARIABLE, raising=False)

    assert browser.find() == str(works)


@posix_only
def test_the_variable_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browser.VARIABLE, str(stand_in(tmp_path, "my-browser", 0)))

    assert browser.find() == str(tmp_path / "my-browser")
