"""Showing a folder in the file manager."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.ui.folders import opener, show_folder


def test_each_system_has_its_own_way(tmp_path: Path) -> None:
    (tmp_path / "xdg-open").touch(0o755)

    assert opener({}, "darwin") == "open"
    assert opener({}, "win32") == "explorer"
    assert opener({"DISPLAY": ":0", "PATH": str(tmp_path)}, "linux") == str(tmp_path / "xdg-open")
    assert opener({"PATH": str(tmp_path)}, "linux") is None


def test_where_no_window_can_open_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="no file manager") as error:
        show_folder(tmp_path, {"STUDIO_NO_WINDOW": "1"})

    assert str(tmp_path) in error.value.words


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="no longer there"):
        show_folder(tmp_path / "gone", {"STUDIO_NO_WINDOW": "1"})
