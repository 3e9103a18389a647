"""Classification: a text and the label that belongs to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.data import cells
from studio.data.cells import Unusable
from studio.data.examples.example import Example, ExampleKind, Place, Role, cell, words
from studio.data.table import Row


@dataclass(frozen=True)
class Labelled(Example):
    """A text with its label, or its labels where a row has several."""

    text: str
    labels: tuple[str, ...]

    @property
    def label(self) -> str:
        """The label; several as one text."""
        return ", ".join(self.labels)

    @property
    def question(self) -> str:
        """The text."""
        return self.text

    @property
    def answer(self) -> str:
        """The label."""
        return self.label

    def as_json(self) -> dict[str, Any]:
        """`{"text", "label"}`; a list of labels where the row has several."""
        return {"text": self.text, "label": self.label if len(self.labels) == 1 else self.labels}


def make(row: Row, roles: Mapping[str, str], place: Place) -> Labelled:
    """A labelled text out of a row."""
    text = words(row, roles, "text", "empty_text")
    found = cell(row, roles, "label")
    if isinstance(found, str) and found.lstrip().startswith("["):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            pass
    labels = tuple(filter(None, map(cells.text, found if isinstance(found, list) else [found])))
    if not labels:
        raise Unusable("empty_label")
    return Labelled(place, text, labels)


KIND = ExampleKind(
    name="classification",
    roles=(
        Role("text", "Text", "What is to be sorted."),
        Role("label", "Label", "The group that it belongs to."),
    ),
    role_sets=(frozenset({"text", "label"}),),
    make=make,
)
