"""The browser of the journeys: one that is here, else Playwright's own, else Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

# Where `python launch.py test` tells the journeys which browser to drive; set it to choose one.
VARIABLE = "WHETSTONE_BROWSER"

COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
)
MAC_APPS = ("Google Chrome", "Chromium", "Microsoft Edge")
WINDOWS_PROGRAMS = (
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
    "Chromium/Application/chrome.exe",
)


def find() -> str | None:
    """A browser of Chromium's family that is installed and starts, as a path."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return chosen if starts(chosen) else None
    places = likely_places(sys.platform, os.environ, Path.home(), shutil.which)
    return next((place for place in places if Path(place).exists() and starts(place)), None)


def likely_places(
    platform: str,
    variables: Mapping[str, str],
    home: Path,
    which: Callable[[str], str | None],
) -> Iterator[str]:
    """Where browsers usually lie on this system, the likeliest first; what is named may not exist."""
    if platform == "win32":
        for variable in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData"):
            if variables.get(variable):
                yield from (str(Path(variables[variable]) / name) for name in WINDOWS_PROGRAMS)
    elif platform == "darwin":
        for folder in (Path("/Applications"), home / "Applications"):
            yield from (str(folder / f"{app}.app/Contents/MacOS/{app}") for app in MAC_APPS)
    yield from filter(None, map(which, COMMANDS))


def starts(browser: str) -> bool:
    """Whether the program runs here: a stub or a missing library shows when it tells its version."""
    if sys.platform == "win32":
        # Chrome for Windows opens a window when asked for its version.
        return Path(browser).exists()
    try:
        answer = subprocess.run([browser, "--version"], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def bring() -> str | None:
    """A browser that is here, or one that this machine lets us install; None where neither goes."""
    return find() or bring_from_playwright() or bring_from_debian()


def bring_from_playwright() -> str | None:
    """Playwright's own Chromium, downloaded into the user's cache."""
    print(
        "There is no browser for the journeys here; asking Playwright for its own ...", flush=True
    )
    if subprocess.call([sys.executable, "-m", "playwright", "install", "chromium"]) != 0:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.executable_path
    return browser if starts(browser) else None


def bring_from_debian() -> str | None:
    """Debian's package, where packages may be installed without asking anyone."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return None
    print("Asking Debian's packages for Chromium ...", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["install", "--yes", "--quiet", "--no-install-recommends", "chromium"]
    for step in (["update", "--quiet"], install):
        subprocess.call(["apt-get", *step], env=quiet, stdout=subprocess.DEVNULL)
    return find()
