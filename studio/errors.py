"""The studio's errors: what was found, what was expected and what to do next, in plain words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldProblem:
    """One field of a form or spec that cannot be used: `field` is its dotted path, e.g. `training.epochs`."""

    field: str
    words: str


class StudioError(Exception):
    """Something could not be done; `words` is for a person, `code` for a program."""

    code = "failed"
    exit_code = 1

    def __init__(
        self, words: str, *, code: str | None = None, fields: Iterable[FieldProblem] = ()
    ) -> None:
        super().__init__(words)
        self.words = words
        self.code = code or type(self).code
        self.fields = tuple(fields)

    def as_json(self) -> dict[str, Any]:
        """The error document of every command: `{"error": {"code", "words", "fields"}}`."""
        fields = [{"field": problem.field, "words": problem.words} for problem in self.fields]
        return {"error": {"code": self.code, "words": self.words, "fields": fields}}


class AskedWrongly(StudioError):
    """An option, a spec or a data file that cannot be used as it stands (exit code 2)."""

    code = "asked_wrongly"
    exit_code = 2


class DataProblem(AskedWrongly):
    """A data file that cannot be read or used; `words` name the file and, where known, the line."""

    code = "data"


class ModelProblem(AskedWrongly):
    """A base model that is missing, incomplete or refused."""

    code = "model"


class NotBuilt(StudioError):
    """A command of the contract whose room stands empty still."""

    code = "not_built"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'lora'?` with a leading space, or an empty string where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""
