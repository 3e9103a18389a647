"""The studio's window: a Chromium-family browser without tabs or address bar, else the default browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from pathlib import Path

LINUX_NAMES = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
    "vivaldi",
)
MACOS_APPS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "Chromium.app/Contents/MacOS/Chromium",
    "Brave Browser.app/Contents/MacOS/Brave Browser",
)
# Below each of the places where Windows keeps programs. Edge is on every Windows.
WINDOWS_PROGRAMS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
    r"Chromium\Application\chrome.exe",
    r"BraveSoftware\Brave-Browser\Application\brave.exe",
)
WINDOWS_PLACES = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")


def open_window(address: str, environment: Mapping[str, str] | None = None) -> bool:
    """Open the address in a window of its own; False where there is nothing to open it on."""
    variables = os.environ if environment is None else environment
    if not has_screen(variables):
        return False
    for program in app_browsers(variables):
        if _start([program, f"--app={address}"]):
            return True
    return webbrowser.open(address)


def has_screen(variables: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a window can be shown: not with STUDIO_NO_WINDOW, nor on Linux without a display."""
    if variables.get("STUDIO_NO_WINDOW"):
        return False
    if platform.startswith("linux"):
        return bool(variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY"))
    return True


def app_browsers(
    variables: Mapping[str, str], platform: str = sys.platform, root: Path = Path("/")
) -> Iterator[str]:
    """Chromium-family browsers of this computer, best first. `root` is for tests."""
    if platform == "darwin":
        places = (root / "Applications", Path(variables.get("HOME", "/")) / "Applications")
        candidates = [place / app for place in places for app in MACOS_APPS]
        yield from (str(path) for path in candidates if path.exists())
    elif platform == "win32":
        folders = [variables[place] for place in WINDOWS_PLACES if variables.get(place)]
        paths = [f"{folder}\\{program}" for program in WINDOWS_PROGRAMS for folder in folders]
        yield from (path for path in paths if Path(path).exists())
    else:
        found = (shutil.which(name, path=variables.get("PATH")) for name in LINUX_NAMES)
        yield from (path for path in found if path)


def _start(command: list[str]) -> bool:
    """Start a program that outlives this one; False where it cannot be started."""
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
