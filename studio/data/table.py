"""What every reader makes: a source of rows, each with its place in the file, and the table they form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

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


class ColumnRows(Sequence[Row]):
    """Rows that lie as columns; a row is made when it is asked for."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = columns
        self._length = len(next(iter(columns.values()), ()))

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[each] for each in range(self._length)[place]]
        return {name: values[place] for name, values in self._columns.items()}

    def __iter__(self) -> Iterator[Row]:
        for values in zip(*self._columns.values(), strict=True):
            yield dict(zip(self._columns, values, strict=True))

    def column(self, name: str) -> Sequence[Any] | None:
        """One column; None where there is none of that name."""
        return self._columns.get(name)


def column_of(rows: Sequence[Row], name: str) -> Iterable[Any]:
    """What every row holds under a name; None where it has none."""
    if not isinstance(rows, ColumnRows):
        return [row.get(name) for row in rows]
    found = rows.column(name)
    return repeat(None, len(rows)) if found is None else found


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
