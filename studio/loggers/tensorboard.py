"""TensorBoard: event files in the run's folder, for the program `tensorboard`. Nothing leaves the machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from studio.loggers.logger import About, Logger, LoggerSettings


class Settings(LoggerSettings):
    """TensorBoard has nothing to set."""


class _Events:
    """Event files, by TensorBoard's own writer (its package needs neither torch nor TensorFlow)."""

    errors: tuple[type[Exception], ...] = ()

    def __init__(self, about: About) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event: Any = Event
        self._summary: Any = Summary
        self._writer: Any = EventFileWriter(str(about.folder))

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        values = [
            self._summary.Value(tag=name, simple_value=value) for name, value in figures.items()
        ]
        self._writer.add_event(
            self._event(wall_time=time.time(), step=step, summary=self._summary(value=values))
        )

    def close(self, *, succeeded: bool) -> None:
        self._writer.close()


def open_sink(settings: Settings, about: About) -> _Events:
    """A new event file in the run's folder; TensorBoard shows those of several attempts as one curve."""
    return _Events(about)


LOGGER = Logger(
    name="tensorboard",
    title="TensorBoard",
    sentence="Writes event files into the run's folder; `tensorboard --logdir` shows them.",
    package="tensorboard",
    requirement="tensorboard>=2.19,<3",
    settings=Settings,
    open=open_sink,
)
