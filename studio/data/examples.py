"""Examples, the internal form of training data, and the rows that cannot become one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.data.table import Row

MINIMUM_ROWS = 8
"""Fewer usable rows than this are reported: nothing dependable is learnt from so few."""

_ROWS_KEPT = 1_000
_ROWS_NAMED = 8

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad \t\n"
"""Characters that show nothing and that `str.strip` leaves; a cell of these alone is empty."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True)
class Example:
    """One conversation to learn from; `row` counts from 0, `number` and `line` as a person does."""

    messages: tuple[Message, ...]
    row: int
    line: int
    number: int

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Everything before the last answer."""
        return self.messages[:-1]

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.messages[-1].content

    def as_json(self) -> dict[str, Any]:
        """`{"messages": [{"role", "content"}]}`."""
        return {"messages": [{"role": m.role, "content": m.content} for m in self.messages]}


@dataclass(frozen=True)
class Problem:
    """What a check found: in how many rows, which (as a spreadsheet counts, the first 1,000)."""

    check: str
    count: int
    rows: tuple[int, ...]
    words: str

    def as_json(self) -> dict[str, Any]:
        """`{"check", "count", "rows", "words"}`."""
        return {
            "check": self.check,
            "count": self.count,
            "rows": list(self.rows),
            "words": self.words,
        }


@dataclass(frozen=True)
class Examples:
    """The usable examples of a table, and why the other rows are none."""

    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    rows: int


class _Unusable(Exception):
    """This row cannot become an example; `check` says why."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


_WHY = {
    "empty_prompt": "the question is empty. Left out of training until it is filled in",
    "empty_answer": "the answer is empty. Left out of training until it is filled in",
    "not_text": "a text was expected, but this is a list or an object. Left out of training",
    "not_messages": 'this is not a list of {"role": …, "content": …}. Left out of training',
    "roles": "user and assistant do not take turns (a system message may stand first). "
    "Left out of training",
    "no_answer": "the conversation does not end with an answer (role assistant). "
    "Left out of training",
}


def build(
    rows: Iterable[Row],
    roles: Mapping[str, str],
    *,
    lines: Sequence[int] | None = None,
    numbers: Sequence[int] | None = None,
) -> Examples:
    """Examples from rows, by `{role: column}`; rows that cannot be used are reported, never hidden.

    `lines` and `numbers` are the table's; without them rows count from 1. Texts lose the blanks
    around them, as in most chat templates.
    """
    make = _from_conversation if "messages" in roles else _from_columns
    examples: list[Example] = []
    unusable: dict[str, list[tuple[int, int]]] = {}
    count = 0
    for count, row in enumerate(rows, start=1):
        line = lines[count - 1] if lines is not None else count
        number = numbers[count - 1] if numbers is not None else count
        try:
            examples.append(Example(make(row, roles), count - 1, line, number))
        except _Unusable as found:
            unusable.setdefault(found.check, []).append((number, line))
    problems = tuple(
        problem_in(check, unusable[check], why) for check, why in _WHY.items() if check in unusable
    )
    return Examples(tuple(examples), problems, count)


def problem_in(check: str, places: Sequence[tuple[int, int]], words: str) -> Problem:
    """A Problem in the rows at `places` (number, line): `Rows 5 and 9: the answer is empty. …`."""
    numbers = tuple(number for number, _ in places)
    where = f"{'Row' if len(places) == 1 else 'Rows'} {_listed(numbers)}"
    lines = tuple(line for _, line in places)
    if lines != numbers:
        where += f" ({'line' if len(places) == 1 else 'lines'} {_listed(lines)} of the file)"
    return Problem(check, len(places), numbers[:_ROWS_KEPT], f"{where}: {words}.")


def _listed(numbers: Sequence[int]) -> str:
    """`5`, `5 and 9`, `5, 9 and 12`, or the first few and how many more."""
    names = [str(number) for number in numbers[:_ROWS_NAMED]]
    if len(numbers) > _ROWS_NAMED:
        return f"{', '.join(names)} and {len(numbers) - _ROWS_NAMED:,} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _from_columns(row: Row, roles: Mapping[str, str]) -> tuple[Message, ...]:
    prompt = _text(row.get(roles["prompt"]))
    response = _text(row.get(roles["response"]))
    if not prompt:
        raise _Unusable("empty_prompt")
    if not response:
        raise _Unusable("empty_answer")
    turns = (Message("user", prompt), Message("assistant", response))
    system = _text(row.get(roles["system"])) if "system" in roles else ""
    return (Message("system", system), *turns) if system else turns


def _text(value: Any) -> str:
    """A cell's text without the blanks around it; numbers as JSON writes them; nothing is ''."""
    if isinstance(value, str):
        return value.strip() if value.strip().strip(_INVISIBLE) else ""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        raise _Unusable("not_text")
    return json.dumps(value)


def _from_conversation(row: Row, roles: Mapping[str, str]) -> tuple[Message, ...]:
    messages = tuple(map(_message, _turns(row.get(roles["messages"]))))
    spoken = messages[1:] if messages[0].role == "system" else messages
    if not spoken or spoken[-1].role != "assistant":
        raise _Unusable("no_answer")
    expected = ("user", "assistant")
    if any(turn.role != expected[place % 2] for place, turn in enumerate(spoken)):
        raise _Unusable("roles")
    for turn in spoken:
        if not turn.content:
            raise _Unusable("empty_prompt" if turn.role == "user" else "empty_answer")
    return messages if messages[0].content else spoken


def _turns(cell: Any) -> list[Any]:
    """The turns in a cell: a list, or in a CSV the text of one."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            raise _Unusable("not_messages") from None
    if not isinstance(cell, list) or not cell:
        raise _Unusable("not_messages")
    return cell


def _message(turn: Any) -> Message:
    if not isinstance(turn, dict) or not isinstance(turn.get("role"), str):
        raise _Unusable("not_messages")
    return Message(turn["role"].strip().lower(), _text(turn.get("content")))
