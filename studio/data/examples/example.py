"""What a row becomes: one kind of example an objective, and how each kind declares its roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

from studio.data import cells
from studio.data.cells import Unusable
from studio.data.conversations import Message, turns_in
from studio.data.table import Row


class Place(NamedTuple):
    """Where an example comes from: `row` counts from 0, `line` and `number` as a person does."""

    row: int
    line: int
    number: int


@dataclass(frozen=True)
class Example:
    """One thing to learn from; each objective has its own kind.

    `question` is what the model is given and `answer` what it should make of it, as one text each:
    they are what checks, the split and the page compare, whatever the kind.
    """

    place: Place

    @property
    def row(self) -> int:
        """The row of the table, from 0."""
        return self.place.row

    @property
    def line(self) -> int:
        """The line of the file on which the row begins, from 1."""
        return self.place.line

    @property
    def number(self) -> int:
        """The row's number as a spreadsheet shows it."""
        return self.place.number

    @property
    def question(self) -> str:
        """What the model is given; empty where it is given nothing."""
        raise NotImplementedError

    @property
    def answer(self) -> str:
        """What the model should make of it."""
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        """The example as the command `data` prints it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Role:
    """A part that a column can play in an example."""

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class ExampleKind:
    """How rows become the examples of the objective of the same name.

    `role_sets` are the sets of roles of which one must be complete; `beside` are roles that may
    stand beside each. `make(row, roles, place)` raises Unusable with the name of what is wrong.
    `pairs(rows, roles)` are the question and answer of what `make` would make of each row, where these
    can be had without: checks over many rows need no more. None where they cannot.
    """

    name: str
    roles: tuple[Role, ...]
    role_sets: tuple[frozenset[str], ...]
    make: Callable[[Row, Mapping[str, str], Place], Example]
    pairs: Callable[[Sequence[Row], Mapping[str, str]], Iterable[tuple[str, str] | None]] = (
        lambda rows, roles: repeat(None, len(rows))
    )


def cell(row: Row, roles: Mapping[str, str], role: str) -> Any:
    """What a row holds for a role; None where no column plays it."""
    return cells.value(row, roles[role]) if role in roles else None


def words(row: Row, roles: Mapping[str, str], role: str, empty: str = "") -> str:
    """The text that a row holds for a role; Unusable(`empty`) where that is named and it is empty."""
    found = cells.text(cell(row, roles, role))
    if not found and empty:
        raise Unusable(empty)
    return found


def asked(row: Row, roles: Mapping[str, str]) -> tuple[Message, ...]:
    """The turns before an answer: the standing instruction, what was said before, the question."""
    prompt = cell(row, roles, "prompt")
    is_talk = isinstance(prompt, list) and any(isinstance(turn, dict) for turn in prompt)
    turns = turns_in(prompt) if is_talk else _question(row, roles)
    system = words(row, roles, "system")
    before = _history(cell(row, roles, "history"))
    return (*([Message("system", system)] if system else []), *before, *turns)


def _question(row: Row, roles: Mapping[str, str]) -> tuple[Message, ...]:
    """The question, and below it the text that it is about."""
    prompt = words(row, roles, "prompt")
    about = words(row, roles, "input")
    found = f"{prompt}\n\n{about}" if prompt and about else prompt or about
    if not found:
        raise Unusable("empty_prompt")
    return (Message("user", found),)


def _history(found: Any) -> tuple[Message, ...]:
    """Earlier questions and answers: a list of pairs, or any other conversation."""
    if found is None or found == [] or (isinstance(found, str) and found.strip() in ("", "[]")):
        return ()
    return turns_in(found)
