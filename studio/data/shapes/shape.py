"""What a shape is: a way in which rows are usually laid out, and what is looked at to recognise it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from studio.data import names
from studio.data.conversations import is_conversation
from studio.data.table import Row

CONVERSATIONS = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns")
"""Usual names for a column of conversations, likeliest first."""


@dataclass(frozen=True)
class ColumnMapping:
    """Who plays which role, how sure that is (0 to 1) and why, in a sentence."""

    objective: str
    roles: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Sample:
    """The names of the columns and the first rows, with what shapes ask about them."""

    columns: tuple[str, ...]
    rows: Sequence[Row]

    def cells(self, column: str) -> list[Any]:
        """A column's cells that hold anything."""
        found = (row.get(column) for row in self.rows)
        return [cell for cell in found if cell is not None and cell != "" and cell != []]

    @cached_property
    def lengths(self) -> dict[str, float]:
        """Characters of each column's texts by row; numbers and nested values count nothing."""
        return {column: self._length(column) for column in self.columns}

    @cached_property
    def filled(self) -> tuple[str, ...]:
        """The columns in which anything stands."""
        return tuple(
            column
            for column in self.columns
            if any(str(cell).strip() for cell in self.cells(column))
        )

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold texts."""
        return tuple(column for column in self.columns if self.lengths[column] > 0)

    @cached_property
    def conversation(self) -> str | None:
        """The column of whole conversations that is likeliest meant; usual names first."""
        apart = (names.CHOSEN, names.REJECTED, names.HISTORY)
        found = [
            column
            for column in self.columns
            if not any(usual.fits(column) for usual in apart) and self._talks(column)
        ]
        by_name = {names.plain_name(column): column for column in found}
        usual = (by_name[name] for name in CONVERSATIONS if name in by_name)
        return next(usual, found[0] if found else None)

    def without(self, columns: Sequence[str]) -> Sample:
        """The same rows without these columns."""
        return Sample(tuple(each for each in self.columns if each not in columns), self.rows)

    def distinct(self, column: str) -> int:
        """How many different values a column has."""
        return len({str(cell).strip() for cell in self.cells(column)})

    def _talks(self, column: str) -> bool:
        """Whether most cells of a column are whole conversations."""
        found = self.cells(column)
        return 2 * sum(map(is_conversation, found)) > len(found)

    def _length(self, column: str) -> float:
        texts = [cell for cell in self.cells(column) if isinstance(cell, str)]
        return sum(len(text) for text in texts if _has_letters(text)) / max(1, len(self.rows))


def _has_letters(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]", text))


@dataclass(frozen=True)
class Shape:
    """A usual layout. `recognise(sample)` gives the mapping, or None where it is not this one.

    `objective` is what it is for, `layout` an example of its columns or values for the docs.
    """

    name: str
    title: str
    objective: str
    layout: str
    recognise: Callable[[Sample], ColumnMapping | None]
