"""The choices of a spec: an objective, a method or a logger by name, with its settings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from studio.loggers import LOGGERS, Logger, LoggerSettings
from studio.methods import METHODS, Method, MethodSettings
from studio.objectives import OBJECTIVES, Objective, ObjectiveSettings


@dataclass(frozen=True)
class ObjectiveChoice:
    """An objective's name and its settings."""

    name: str
    settings: ObjectiveSettings

    @property
    def objective(self) -> Objective:
        """The objective itself."""
        return OBJECTIVES[self.name]

    def settled(self, training: Collection[Any]) -> ObjectiveChoice:
        """The choice with what its settings leave to the examples filled in. Raises AskedWrongly."""
        return ObjectiveChoice(self.name, self.objective.settle(self.settings, training))


@dataclass(frozen=True)
class MethodChoice:
    """A method's name and its settings."""

    name: str
    settings: MethodSettings

    @property
    def method(self) -> Method:
        """The method itself."""
        return METHODS[self.name]


@dataclass(frozen=True)
class LoggerChoice:
    """A logger's name and its settings."""

    name: str
    settings: LoggerSettings

    @property
    def logger(self) -> Logger:
        """The logger itself."""
        return LOGGERS[self.name]
