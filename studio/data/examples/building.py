"""From rows to examples, and the rows that cannot become one, with the reason in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.data.cells import Unusable
from studio.data.examples.example import Example, Place
from studio.data.examples.kinds import KINDS
from studio.data.table import Row

MINIMUM_ROWS = 8
"""Fewer usable rows than this are reported: nothing dependable is learnt from so few."""

_ROWS_KEPT = 1_000
_ROWS_NAMED = 8


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

    examples: tuple[Any, ...]
    problems: tuple[Problem, ...]
    rows: int


@dataclass(frozen=True)
class Rejected:
    """A row that cannot become an example; `check` is a key of `WHY`."""

    place: Place
    check: str


WHY = {
    "empty_prompt": "the question is empty. Left out of training until it is filled in",
    "empty_answer": "the answer is empty. Left out of training until it is filled in",
    "empty_text": "the text is empty. Left out of training until it is filled in",
    "empty_label": "the label is empty. Left out of training until it is filled in",
    "not_text": "a text was expected, but this is a list, an object or a picture. "
    "Left out of training",
    "not_messages": 'this is not a list of {"role": …, "content": …}. Left out of training',
    "not_tools": "this is not a list of tools. Left out of training",
    "not_a_verdict": "the label says neither good nor bad (write yes or no). Left out of training",
    "same_answers": "the better and the worse answer are the same. Left out of training",
    "roles": "user and assistant do not take turns (a system message may stand first). "
    "Left out of training",
    "no_answer": "the conversation does not end with an answer (role assistant). "
    "Left out of training",
}
"""Why a row cannot become an example, by the name of what is wrong with it."""


def walk(
    rows: Iterable[Row],
    roles: Mapping[str, str],
    objective: str = "chat",
    *,
    lines: Sequence[int] | None = None,
    numbers: Sequence[int] | None = None,
) -> Iterator[Example | Rejected]:
    """Every row in order, as an example or with the reason why it is none; none is held.

    `roles` is `{role: column}`. `lines` and `numbers` are the table's; without them rows count
    from 1. Texts lose the blanks around them, as in most chat templates.
    """
    make = KINDS[objective].make
    for count, row in enumerate(rows):
        place = Place(
            count,
            lines[count] if lines is not None else count + 1,
            numbers[count] if numbers is not None else count + 1,
        )
        try:
            yield make(row, roles, place)
        except Unusable as found:
            yield Rejected(place, found.check)


def build(
    rows: Iterable[Row],
    roles: Mapping[str, str],
    objective: str = "chat",
    *,
    lines: Sequence[int] | None = None,
    numbers: Sequence[int] | None = None,
) -> Examples:
    """All examples of the rows, and every row that is none, reported by the reason; as `walk`."""
    examples: list[Any] = []
    rejected: dict[str, list[tuple[int, int]]] = {}
    count = 0
    for found in walk(rows, roles, objective, lines=lines, numbers=numbers):
        count += 1
        if isinstance(found, Rejected):
            place = (found.place.number, found.place.line)
            rejected.setdefault(found.check, []).append(place)
        else:
            examples.append(found)
    return Examples(tuple(examples), problems_of(rejected), count)


def problems_of(rejected: Mapping[str, Sequence[tuple[int, int]]]) -> tuple[Problem, ...]:
    """The problems of rows that are no examples: reason to places (number, line)."""
    return tuple(
        problem_in(check, rejected[check], why) for check, why in WHY.items() if check in rejected
    )


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
