"""XLS: a sheet of an old Excel workbook."""

from __future__ import annotations

from pathlib import Path

from studio.data.reading import workbooks
from studio.data.table import Reader, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a sheet. Raises DataProblem, also for a locked file."""
    return workbooks.source_of(path, READER.name, part)


READER = Reader("xls", "Old Excel: a sheet with a header", (".xls",), open_file)
