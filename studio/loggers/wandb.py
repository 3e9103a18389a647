"""Weights & Biases: offline files in the run's folder, or its own server where that is chosen."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from jobs import durable
from studio.loggers.logger import About, Logger, LoggerSettings


class Settings(LoggerSettings):
    """What can be set for Weights & Biases."""

    mode: Literal["offline", "online"] = Field(
        "offline",
        title="Where to",
        description="Into files that `wandb sync` can send later, or at once to the server that you "
        "are logged in to (figures, settings and the run's name leave this machine).",
    )
    project: str = Field(
        "whetstone", min_length=1, max_length=128, title="Project", description="Its project there."
    )


class _Run:
    def __init__(self, settings: Settings, about: About) -> None:
        # Crash reports go to the company behind it, also in offline mode.
        os.environ["WANDB_ERROR_REPORTING"] = "false"
        import wandb

        self.errors: tuple[type[Exception], ...] = (wandb.errors.Error,)
        self._run: Any = wandb.init(
            mode=settings.mode,
            dir=str(about.folder),
            project=settings.project,
            name=about.name,
            id=_identity(about),
            # A resumed run goes on in the same curve (of offline files once they are sent).
            resume="allow" if settings.mode == "online" else None,
            config=dict(about.config),
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
                x_disable_stats=True,
            ),
        )

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self._run.log(dict(figures), step=step)

    def close(self, *, succeeded: bool) -> None:
        self._run.finish(exit_code=0 if succeeded else 1)


def _identity(about: About) -> str:
    """One name for all attempts at a run, unlike any other run's."""
    file = about.folder / "id.txt"
    if not file.exists():
        durable.write_text(file, uuid.uuid4().hex[:12])
    return file.read_text(encoding="utf-8").strip()


def open_sink(settings: Settings, about: About) -> _Run:
    """A run of W&B's; raises wandb's errors where it is online and nobody is logged in."""
    return _Run(settings, about)


LOGGER = Logger(
    name="wandb",
    title="Weights & Biases",
    sentence="Writes the curves for Weights & Biases; into files unless you choose to send them.",
    package="wandb",
    requirement="wandb>=0.22,<1",
    settings=Settings,
    open=open_sink,
)
