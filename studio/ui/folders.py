"""Showing a folder in the computer's own file manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from studio.errors import StudioError
from studio.ui.window import has_screen


def show_folder(folder: Path, variables: Mapping[str, str] | None = None) -> None:
    """Open the folder in the file manager. Raises StudioError where there is none to open it with."""
    command = opener(os.environ if variables is None else variables)
    if not folder.is_dir():
        raise StudioError(f"The folder {folder} is no longer there. Was it moved or deleted?")
    if command is None:
        raise StudioError(f"There is no file manager to open it with here. The folder is {folder}.")
    try:
        subprocess.Popen(
            [command, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise StudioError(
            f"The file manager could not be opened ({error.strerror or error}). "
            f"The folder is {folder}."
        ) from error


def opener(variables: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """The program that opens a folder on this system; None without a screen or a program."""
    if not has_screen(variables, platform):
        return None
    if platform == "darwin":
        return "open"
    if platform == "win32":
        return "explorer"
    return shutil.which("xdg-open", path=variables.get("PATH"))
