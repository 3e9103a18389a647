"""XLS: a sheet of an old Excel workbook, read by xlrd; values only, nothing is run."""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.data.reading import grids
from studio.data.reading.grids import Grid, Merge
from studio.data.table import Reader, Source
from studio.errors import DataProblem

# The format ends at 65,536 rows of 256 cells; real files stay far below this.
_MOST_BYTES = 500_000_000
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_LOCKED_WORDS = (
    "{name} is protected by a password. Remove the password in its program (File, Info, Protect) and "
    "choose it again."
)


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a sheet, the first one with cells unless another is wanted. Raises DataProblem."""
    if path.stat().st_size > _MOST_BYTES:
        raise DataProblem(
            f"{path.name} is too large for an old Excel file. Save it as XLSX or CSV."
        )
    _refuse_locked(path)
    with _opened(path) as book:
        parts = tuple(book.sheet_names())
        filled = [name for name in parts if book.sheet_by_name(name).nrows > 1]
        merges = {name: _merges(book.sheet_by_name(name)) for name in parts}
    if not parts:
        raise DataProblem(f"{path.name} has no sheet with cells. Save the table as a sheet.")
    chosen = grids.chosen_part(path, parts, part)
    if part is None and filled:
        chosen = filled[0]
    grid = Grid(lambda: _rows(path, chosen), merges[chosen])
    return grids.source_of(path, READER.name, grid, parts=parts, part=chosen)


def _refuse_locked(path: Path) -> None:
    """Refuse a newer workbook that is locked: it is then wrapped into a file of this old kind."""
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if content.find(_LOCKED) >= 0:
            raise DataProblem(_LOCKED_WORDS.format(name=path.name))


def _merges(sheet: Any) -> tuple[Merge, ...]:
    return tuple(
        Merge(top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells
    )


def _rows(path: Path, name: str) -> Iterator[tuple[int, Sequence[Any]]]:
    with _opened(path) as book:
        sheet = book.sheet_by_name(name)
        for row in range(sheet.nrows):
            yield row, [_value(cell, book.datemode) for cell in sheet.row(row)]


def _value(cell: Any, datemode: int) -> Any:
    """A cell's value; dates are numbers with a format in this kind of file, errors show nothing."""
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return cell.value
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    return "" if cell.ctype == xlrd.XL_CELL_ERROR else cell.value


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The workbook. Raises DataProblem for what is locked, damaged or another kind of file."""
    import xlrd

    try:
        # What is odd in a file is otherwise printed.
        yield xlrd.open_workbook(path, logfile=io.StringIO(), ragged_rows=True)
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, *_BROKEN) as error:
        if "ncrypt" in str(error):
            raise DataProblem(_LOCKED_WORDS.format(name=path.name)) from error
        reason = " ".join(str(error).split())[:120]
        raise DataProblem(
            f"{path.name} could not be read as a workbook ({reason}). It may be damaged or cut off: "
            "open it in its program and save it again as XLSX or CSV."
        ) from error


# xlrd trusts the numbers in a file; where they are wrong, it fails in whatever way comes first.
_BROKEN = (
    *(struct.error, LookupError, ValueError, TypeError, AttributeError, AssertionError),
    *(OverflowError, EOFError, RecursionError, NotImplementedError, UnboundLocalError),
)


READER = Reader("xls", "Old Excel: a sheet with a header", (".xls",), open_file)
