"""Honest exports of the shared run, for tests that check or spoil them."""

from __future__ import annotations

from pathlib import Path

from studio.exporters import EXPORTERS
from studio.formats import FORMATS
from studio.inference.opened import open_run, trained_folder
from studio.settings import Home


def export(home: Home, name: str, folder: Path, **settings: object) -> Path:
    """An honest export of run 1."""
    run = home.run(1)
    folder.mkdir()
    chosen = FORMATS[name].settings.model_validate(settings)
    EXPORTERS[name](open_run(run), trained_folder(run), chosen, folder)
    return folder
