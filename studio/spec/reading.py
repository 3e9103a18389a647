"""Reading a document section by section, collecting every problem on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic
from pydantic import BaseModel

from studio.errors import AskedWrongly, FieldProblem, did_you_mean
from studio.loggers import LOGGERS
from studio.methods import METHODS
from studio.objectives import OBJECTIVES, ObjectiveSettings
from studio.spec.choices import LoggerChoice, MethodChoice, ObjectiveChoice
from studio.spec.problems import plain, raise_problems, shown, unknown_field

VERSION = 1

Model = TypeVar("Model", bound=BaseModel)
Thing = TypeVar("Thing")


class Reading:
    """Reads a document section by section and collects every problem on the way."""

    SECTIONS = ("version", "name", "model", "data", "objective", "method", "training", "loggers")

    def __init__(self) -> None:
        self.problems: list[FieldProblem] = []

    def top(self, document: Any) -> dict[str, Any]:
        if not isinstance(document, Mapping):
            raise AskedWrongly(
                'A spec is a JSON object: { … } with sections like "model".', code="spec"
            )
        for name in document:
            if name not in self.SECTIONS:
                self.add(str(name), unknown_field(str(name), self.SECTIONS))
        version = document.get("version", VERSION)
        if version != VERSION:
            words = f"Found {version!r}; this program reads version {VERSION}."
            if isinstance(version, int) and version > VERSION:
                words += " The spec was made by a newer program: update this one."
            self.add("version", words)
        return dict(document)

    def section(self, path: str, kind: type[Model], value: Any) -> Model:
        """The section, or its defaults after noting what is wrong with it."""
        if not isinstance(value, Mapping):
            self.add(path, f"Found {shown(value)}; expected an object: {{ … }}.")
            return kind.model_construct()
        try:
            return kind.model_validate(dict(value))
        except pydantic.ValidationError as error:
            self.problems += plain(path, kind, error)
            return kind.model_construct()

    def objective(self, value: Any) -> ObjectiveChoice:
        name, settings = self.choice("objective", value)
        chosen = self.known("objective", "objective.name", name, OBJECTIVES)
        if chosen is None:
            return ObjectiveChoice("chat", ObjectiveSettings())
        return ObjectiveChoice(chosen.name, self.section("objective", chosen.settings, settings))

    def method(self, value: Any) -> MethodChoice | None:
        name, settings = self.choice("method", value)
        chosen = self.known("method", "method.name", name, METHODS)
        if chosen is None:
            return None
        return MethodChoice(chosen.name, self.section("method", chosen.settings, settings))

    def loggers(self, value: Any) -> tuple[LoggerChoice, ...]:
        """A list of names, or of objects with a name and settings."""
        if not isinstance(value, list | tuple):
            self.add("loggers", f"Found {shown(value)}; expected a list: [ … ].")
            return ()
        found = []
        for entry in value:
            name, settings = self.choice("loggers", entry)
            chosen = self.known("logger", "loggers", name, LOGGERS)
            if chosen is not None:
                checked = self.section("loggers", chosen.settings, settings)
                found.append(LoggerChoice(chosen.name, checked))
        if len({choice.name for choice in found}) < len(found):
            self.add("loggers", "A logger stands in the list twice; name each once.")
        return tuple(found)

    def choice(self, path: str, value: Any) -> tuple[str, dict[str, Any]]:
        """`{"name": …, settings}`, or the bare name as shorthand."""
        if isinstance(value, str):
            return value, {}
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return value["name"], {key: entry for key, entry in value.items() if key != "name"}
        self.add(path, f'Found {shown(value)}; expected a name, or an object with "name".')
        return "", {}

    def known(self, kind: str, path: str, name: str, things: Mapping[str, Thing]) -> Thing | None:
        if name in things:
            return things[name]
        if name:
            known = ", ".join(things)
            self.add(
                path,
                f"There is no {kind} '{name}'.{did_you_mean(name, things)} There are: {known}.",
            )
        elif path.endswith("name") and not any(p.field == kind for p in self.problems):
            self.add(path, f"A {kind} must be named. There are: {', '.join(things)}.")
        return None

    def text(self, path: str, value: Any) -> str:
        if isinstance(value, str) and len(value) <= 200:
            return value
        self.add(path, f"Found {shown(value)}; expected a text of at most 200 characters.")
        return ""

    def add(self, path: str, words: str) -> None:
        self.problems.append(FieldProblem(path, words))

    def raise_problems(self) -> None:
        raise_problems(self.problems)
