"""A batch of rows as checks see them: raw, as examples, and as the texts that several checks share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from studio.data.cells import Unusable
from studio.data.examples import KINDS, Example, Place, Rejected, walk
from studio.data.stored import StoredRows
from studio.data.table import ColumnRows, Row

BATCH_ROWS = 1_000


class Tokens(NamedTuple):
    """One example in tokens: all of them, those trained, and those trained that the cut leaves."""

    total: int
    trained: int
    left: int


class Batch:
    """Rows `first`, `first + 1`, … of a file.

    `places` are the rows of the usable examples, counted over the whole file from 0; `questions`,
    `answers` and `tokens`, where the model's tokenizer was handed in, go with them. `unusable` says
    of the others why, by their place in the batch.
    """

    def __init__(
        self, first: int, rows: Sequence[Row], roles: Mapping[str, str], objective: str
    ) -> None:
        self.first = first
        self.rows = rows
        self.roles = roles
        self.objective = objective
        self.unusable: dict[int, str] = {}
        self.places: list[int] = []
        self.questions: list[str] = []
        """What each example says before its answer."""
        self.answers: list[str] = []
        """What is to be learnt of each example."""
        kind = KINDS[objective]
        for place, said in enumerate(kind.pairs(rows, roles)):
            if said is None:
                try:
                    example = kind.make(rows[place], roles, Place(place, place + 1, place + 1))
                except Unusable as found:
                    self.unusable[place] = found.check
                    continue
                said = example.question, example.answer
            self.places.append(first + place)
            self.questions.append(said[0])
            self.answers.append(said[1])
        self.tokens: Sequence[Tokens] | None = None

    @property
    def examples(self) -> Iterator[Example]:
        """The usable examples themselves, made anew."""
        for found in walk(self.rows, self.roles, self.objective):
            if not isinstance(found, Rejected):
                yield found

    @cached_property
    def texts(self) -> list[str]:
        """Everything that each example says."""
        return [
            f"{question}\n{answer}"
            for question, answer in zip(self.questions, self.answers, strict=True)
        ]

    @cached_property
    def all_text(self) -> str:
        """The batch as one text: what does not stand in it stands in none of its rows."""
        return "\n".join(self.texts)

    @cached_property
    def plain_questions(self) -> list[str]:
        """The questions without differences of case and blanks."""
        return [plain(question) for question in self.questions]


def plain(text: str) -> str:
    """A text without differences of case and blanks."""
    return " ".join(text.casefold().split())


def batches(rows: Iterable[Row], roles: Mapping[str, str], objective: str) -> Iterator[Batch]:
    """The rows a batch at a time, in order."""
    first = 0
    for chunk in _chunks(rows):
        yield Batch(first, chunk, roles, objective)
        first += len(chunk)


def _chunks(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    if isinstance(rows, StoredRows):
        yield from map(ColumnRows, rows.batches())
        return
    remaining = iter(rows)
    while chunk := list(islice(remaining, BATCH_ROWS)):
        yield chunk
