"""Trackio: a small database in the run's folder, shown by `trackio show`. Nothing leaves the machine."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from studio.loggers.logger import About, Logger, LoggerSettings

# With one of these Trackio would send the figures to a server.
_REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID")


class Settings(LoggerSettings):
    """What can be set for Trackio."""

    project: str = Field(
        "whetstone", min_length=1, max_length=100, title="Project", description="Its project there."
    )


class _Run:
    errors: tuple[type[Exception], ...] = ()

    def __init__(self, settings: Settings, about: About) -> None:
        os.environ["TRACKIO_DIR"] = str(about.folder)
        for name in _REMOTE:
            os.environ.pop(name, None)
        import trackio

        self._trackio: Any = trackio
        with _quietly():
            trackio.init(
                project=settings.project,
                name=about.name,
                config=dict(about.config),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self._trackio.log(dict(figures), step=step)

    def close(self, *, succeeded: bool) -> None:
        with _quietly():
            self._trackio.finish()


def _quietly() -> contextlib.AbstractContextManager[Any]:
    """It prints hints in colours, which would stand in the run's log."""
    return contextlib.redirect_stdout(io.StringIO())


def open_sink(settings: Settings, about: About) -> _Run:
    """A run of Trackio's, on this machine only."""
    return _Run(settings, about)


LOGGER = Logger(
    name="trackio",
    title="Trackio",
    sentence="Writes the curves into a small database in the run's folder; `trackio show` shows them.",
    package="trackio",
    requirement="trackio>=0.20,<1",
    settings=Settings,
    open=open_sink,
)
