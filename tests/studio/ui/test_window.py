"""Where a window of its own can be opened, and with which browser."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from studio.ui.window import app_browsers, has_screen, open_window


@pytest.mark.parametrize(
    ("variables", "platform", "expected"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0", "STUDIO_NO_WINDOW": "1"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"STUDIO_NO_WINDOW": "1"}, "win32", False),
    ],
)
def test_a_window_needs_a_screen(variables: dict[str, str], platform: str, expected: bool) -> None:
    assert has_screen(variables, platform) is expected


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_the_browser_is_started_with_the_address_as_a_program_of_its_own(tmp_path: Path) -> None:
    said = tmp_path / "said"
    browser = tmp_path / "chromium"
    browser.write_text(f'#!/bin/sh\necho "$@" > {said}.part && mv {said}.part {said}\n')
    browser.chmod(0o755)

    opened = open_window("http://127.0.0.1:1/?token=t", {"DISPLAY": ":0", "PATH": str(tmp_path)})
    end = time.monotonic() + 20
    while not said.exists() and time.monotonic() < end:
        time.sleep(0.02)

    assert opened
    assert said.read_text().strip() == "--app=http://127.0.0.1:1/?token=t"


def test_on_linux_browsers_are_looked_for_by_name(tmp_path: Path) -> None:
    for name in ("microsoft-edge", "chromium"):
        (tmp_path / name).touch(0o755)

    found = list(app_browsers({"PATH": str(tmp_path)}, "linux"))

    assert [Path(path).name for path in found] == ["chromium", "microsoft-edge"]


def test_on_macos_browsers_are_looked_for_among_the_applications(tmp_path: Path) -> None:
    program = tmp_path / "Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge"
    program.parent.mkdir(parents=True)
    program.touch()

    assert list(app_browsers({"HOME": "/nowhere"}, "darwin", tmp_path)) == [str(program)]


def test_without_any_browser_there_is_none() -> None:
    assert list(app_browsers({"PATH": "/nowhere"}, "linux")) == []
    assert list(app_browsers({}, "win32")) == []
