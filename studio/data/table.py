"""What every reader makes: a source of rows, each with its place in the file, and the table they form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow

Row = dict[str, Any]

MAX_COLUMNS = 1_000


class Record(NamedTuple):
    """One row as its reader gives it, and where it stands.

    `line` is the file's (from 1); `number` the row's as a spreadsheet shows it: in a CSV the header
    is row 1. A cell that a row lacks is absent from its dict or None.
    """

    row: Row
    line: int
    number: int


class Piece(NamedTuple):
    """Rows that follow each other, all texts: each column as Arrow's `large_string`, and their places."""

    columns: Sequence[pyarrow.Array]
    lines: Sequence[int]
    numbers: Sequence[int]


@dataclass(frozen=True)
class Source:
    """A data file opened by its reader: rows are read anew each time they are asked for, none is kept.

    `columns` is empty where the rows name their own. What was found out on the way (`The columns are
    separated by semicolons.`) is added to `notes` while the rows are read.
    """

    path: Path
    format: str
    records: Callable[[], Iterator[Record]]
    columns: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    """The sheets, splits or files of which one is read, where there are several to choose from."""
    part: str | None = None
    notes: list[str] = field(default_factory=list)
    pieces: Callable[[], Iterator[Piece]] | None = None
    """The same rows, many at once, in the order of `columns`; only where all are texts."""

    def note(self, words: str) -> None:
        """Add a sentence for the person, once."""
        if words not in self.notes:
            self.notes.append(words)


@dataclass(frozen=True)
class Table:
    """The rows of one data file: in memory, or on disk and read a piece at a time.

    `lines` and `numbers` are those of each row's Record.
    """

    path: Path
    format: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    lines: Sequence[int]
    numbers: Sequence[int]
    notes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    part: str | None = None


@dataclass(frozen=True)
class Reader:
    """One kind of data file. `open(path, part)` gives its Source; DataProblem is all it ever raises.

    `part` is the sheet, split or file inside that is wanted; None leaves the choice to the reader.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    open: Callable[[Path, str | None], Source]
