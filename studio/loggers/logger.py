"""What every logger declares about itself: words, settings, the package it needs, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pydantic

from studio import libraries


class LoggerSettings(pydantic.BaseModel):
    """The base of every logger's `Settings`: frozen, strict, no unknown fields."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class About:
    """What a logger is told of a run: its name, a folder of its own, and the settings (never the data)."""

    name: str
    folder: Path
    config: Mapping[str, str | int | float | bool]


class Sink(Protocol):
    """An opened logger. `errors` are what its package raises where it cannot write."""

    errors: tuple[type[Exception], ...]

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Write the figures of one step."""

    def close(self, *, succeeded: bool) -> None:
        """Write what is left, and how the run ended."""


@dataclass(frozen=True)
class Logger:
    """A place that a run's figures can go to. `package` is imported, `requirement` what pip is asked for."""

    name: str
    title: str
    sentence: str
    package: str
    requirement: str
    settings: type[LoggerSettings]
    open: Callable[[Any, About], Sink]

    @property
    def is_installed(self) -> bool:
        """Whether its package is there; a folder of that name in the working folder is not it."""
        return libraries.is_installed(self.package)
