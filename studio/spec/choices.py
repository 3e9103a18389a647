"""The choices of a spec: an objective or a method by name, with its settings."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class MethodChoice:
    """A method's name and its settings."""

    name: str
    settings: MethodSettings

    @property
    def method(self) -> Method:
        """The method itself."""
        return METHODS[self.name]
