"""Text: a passage to continue, learnt from its first word to its last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.data.examples.example import Example, ExampleKind, Place, Role, words
from studio.data.table import Row


@dataclass(frozen=True)
class Passage(Example):
    """A text on its own."""

    text: str

    @property
    def question(self) -> str:
        """Nothing is asked."""
        return ""

    @property
    def answer(self) -> str:
        """The whole text."""
        return self.text

    def as_json(self) -> dict[str, Any]:
        """`{"text"}`."""
        return {"text": self.text}


def make(row: Row, roles: Mapping[str, str], place: Place) -> Passage:
    """A passage out of a row."""
    return Passage(place, words(row, roles, "text", "empty_text"))


KIND = ExampleKind(
    name="text",
    roles=(Role("text", "Text", "What the model should be able to continue."),),
    role_sets=(frozenset({"text"}),),
    make=make,
)
