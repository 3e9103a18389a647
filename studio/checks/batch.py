"""A batch of rows as checks see them: raw, as examples, and as the texts that several checks share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from studio.data.examples import Example, Rejected, walk
from studio.data.table import Row

BATCH_ROWS = 1_000


class Tokens(NamedTuple):
    """One example in tokens: all of them, those trained, and those trained that the cut leaves."""

    total: int
    trained: int
    left: int


class Batch:
    """Rows `first`, `first + 1`, … of a file.

    `examples` are the usable ones; `unusable` says of the others why, by their place in the batch.
    `tokens` goes with `examples` where the model's tokenizer was handed in.
    """

    def __init__(
        self, first: int, rows: Sequence[Row], roles: Mapping[str, str], objective: str
    ) -> None:
        self.first = first
        self.rows = rows
        self.roles = roles
        self.examples: list[Example] = []
        self.unusable: dict[int, str] = {}
        for found in walk(rows, roles, objective):
            if isinstance(found, Rejected):
                self.unusable[found.place.row] = found.check
            else:
                self.examples.append(found)
        self.tokens: Sequence[Tokens] | None = None

    @cached_property
    def places(self) -> list[int]:
        """The row of each example, counted over the whole file from 0."""
        return [self.first + example.row for example in self.examples]

    @cached_property
    def questions(self) -> list[str]:
        """What each example says before its answer."""
        return [example.question for example in self.examples]

    @cached_property
    def answers(self) -> list[str]:
        """What is to be learnt of each example."""
        return [example.answer for example in self.examples]

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
    remaining, first = iter(rows), 0
    while chunk := list(islice(remaining, BATCH_ROWS)):
        yield Batch(first, chunk, roles, objective)
        first += len(chunk)
