"""What every reader makes: a table of rows, and where each row stands in its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]

MAX_COLUMNS = 1_000


@dataclass(frozen=True)
class Table:
    """The rows of one data file. A cell that a row lacks is absent from its dict or None."""

    path: Path
    format: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    lines: Sequence[int]
    """The line of the file on which each row begins; the first line is 1."""
    numbers: Sequence[int]
    """Each row's number as a spreadsheet shows it: in a CSV the header is row 1."""
    notes: tuple[str, ...] = ()
    """What was found out about the file, e.g. `The columns are separated by semicolons.`"""


@dataclass(frozen=True)
class Reader:
    """One kind of data file: `read` gives its Table or raises DataProblem, and nothing else."""

    name: str
    title: str
    endings: tuple[str, ...]
    read: Callable[[Path], Table]
