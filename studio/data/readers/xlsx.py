"""XLSX: a sheet of an Excel workbook; merged cells are filled in, formulas give their last value."""

from __future__ import annotations

from pathlib import Path

from studio.data.reading import workbooks
from studio.data.table import Reader, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a sheet. Raises DataProblem, also for a locked file."""
    with open(path, "rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        workbooks.refuse_far_cells(path)
    return workbooks.source_of(path, READER.name, part)


READER = Reader("xlsx", "Excel: a sheet with a header", (".xlsx", ".xlsm"), open_file)
