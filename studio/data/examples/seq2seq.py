"""Seq2seq: one text in, another out, for models that read with an encoder and write with a decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.data.examples.example import Example, ExampleKind, Place, Role, words
from studio.data.table import Row


@dataclass(frozen=True)
class Pair(Example):
    """A text and what is to be made of it."""

    source: str
    target: str

    @property
    def question(self) -> str:
        """The text that is read."""
        return self.source

    @property
    def answer(self) -> str:
        """The text that is written."""
        return self.target

    def as_json(self) -> dict[str, Any]:
        """`{"source", "target"}`."""
        return {"source": self.source, "target": self.target}


def make(row: Row, roles: Mapping[str, str], place: Place) -> Pair:
    """A pair of texts out of a row."""
    source = words(row, roles, "source", "empty_prompt")
    return Pair(place, source, words(row, roles, "target", "empty_answer"))


KIND = ExampleKind(
    name="seq2seq",
    roles=(
        Role("source", "Text to read", "What the model is given, e.g. the text to translate."),
        Role("target", "Text to write", "What the model should make of it."),
    ),
    role_sets=(frozenset({"source", "target"}),),
    make=make,
)
