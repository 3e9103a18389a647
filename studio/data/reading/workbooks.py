"""Excel's workbooks (XLSX), read by calamine: values only, formulas and macros are never run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.data.reading import archives, grids
from studio.data.reading.grids import Grid, Merge
from studio.data.table import Source
from studio.errors import DataProblem

# calamine holds a sheet as a full rectangle: one cell far away costs all between.
_MOST_CELLS = 60_000_000
_PIECE_BYTES = 1 << 20
_CELL = re.compile(rb'\sr="([A-Z]{1,4})(\d{1,8})"')


def source_of(path: Path, format_name: str, part: str | None) -> Source:
    """The rows of a sheet, the first one with cells unless another is wanted. Raises DataProblem."""
    with _in_words(path):
        parts = _sheets(path)
        chosen = grids.chosen_part(path, parts, part)
        grid = _grid(path, chosen)
        if part is None:
            # The first sheet is often a cover or empty.
            for name in parts:
                if _has_rows(path, name):
                    chosen, grid = name, _grid(path, name)
                    break
        return grids.source_of(path, format_name, grid, parts=parts, part=chosen)


def refuse_far_cells(path: Path) -> None:
    """Refuse an XLSX whose sheets span more cells than fit in memory. Raises DataProblem."""
    with archives.opened(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.startswith("xl/worksheets/"):
                continue
            rows = columns = 0
            tail = b""
            with archive.open(entry) as file:
                while piece := file.read(_PIECE_BYTES):
                    for letters, number in _CELL.findall(tail + piece):
                        rows = max(rows, int(number))
                        columns = max(columns, _column(letters))
                    tail = piece[-20:]
            if rows * columns > _MOST_CELLS:
                raise DataProblem(
                    f"{path.name}: a cell in row {rows:,}, column {columns:,} makes the sheet larger "
                    "than can be read. Delete what stands far away from the table, and save it again."
                )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _sheets(path: Path) -> tuple[str, ...]:
    import python_calamine

    with python_calamine.CalamineWorkbook.from_path(path) as workbook:
        kind = python_calamine.SheetTypeEnum.WorkSheet
        names = tuple(sheet.name for sheet in workbook.sheets_metadata if sheet.typ == kind)
    if not names:
        raise DataProblem(f"{path.name} has no sheet with cells. Save the table as a sheet.")
    return names


def _grid(path: Path, name: str) -> Grid:
    import python_calamine

    with python_calamine.CalamineWorkbook.from_path(path) as workbook:
        sheet = workbook.get_sheet_by_name(name)
        merges = tuple(
            Merge(top, left, bottom, right)
            for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
        )
    return Grid(lambda: _rows(path, name), merges)


def _rows(path: Path, name: str) -> Iterator[tuple[int, Sequence[Any]]]:
    import python_calamine

    with _in_words(path), python_calamine.CalamineWorkbook.from_path(path) as workbook:
        sheet = workbook.get_sheet_by_name(name)
        row, column = sheet.start or (0, 0)
        before = [""] * column
        for place, cells in enumerate(sheet.iter_rows(), start=row):
            yield place, [*before, *cells] if before else cells


def _has_rows(path: Path, name: str) -> bool:
    filled = (row for row, cells in _rows(path, name) if grids.any_text(cells))
    return next(filled, None) is not None and next(filled, None) is not None


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """What calamine raises, in words; a panic of its own is no Exception."""
    import python_calamine

    try:
        yield
    except python_calamine.PasswordError as error:
        raise DataProblem(
            f"{path.name} is protected by a password. Remove the password in its program (File, "
            "Info, Protect) and choose it again."
        ) from error
    except (python_calamine.CalamineError, ValueError) as error:
        raise _unreadable(path, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: BaseException) -> DataProblem:
    reason = " ".join(str(error).split())[:120]
    return DataProblem(
        f"{path.name} could not be read as a workbook ({reason}). It may be damaged or cut off: "
        "open it in its program and save it again as XLSX or CSV."
    )
