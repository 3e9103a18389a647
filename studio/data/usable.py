"""The usable examples of rows on disk, made anew whenever they are gone through: none stays in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.data.examples.building import Rejected, walk
from studio.data.progress import Progress, silent
from studio.data.table import Row

_SAID_EVERY_ROWS = 1_000


@dataclass(frozen=True)
class Usable(Collection[Any]):
    """`count` examples of the rows, those in `left_out` (`Example.row`) not among them.

    `on_progress` hears the share of the rows and which row it is, each time they are gone through;
    what it raises ends that.
    """

    rows: Sequence[Row]
    roles: Mapping[str, str]
    objective: str
    count: int
    left_out: Collection[int] = frozenset()
    on_progress: Progress = silent

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        whole = len(self.rows)
        for found in walk(self.rows, self.roles, self.objective):
            row = found.place.row
            if row % _SAID_EVERY_ROWS == 0:
                self.on_progress(row / whole, f"Row {row:,} of {whole:,}")
            if not isinstance(found, Rejected) and row not in self.left_out:
                yield found

    def __contains__(self, example: object) -> bool:
        return any(each == example for each in self)
