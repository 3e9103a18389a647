"""ODS: a sheet of a LibreOffice workbook, read from its XML as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from studio.data.reading import archives, grids
from studio.data.reading.grids import Grid, Merge
from studio.data.table import MAX_COLUMNS, Reader, Source
from studio.errors import DataProblem

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CELLS = {f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"}
_CONTENT = "content.xml"
_MOST_ROWS = 1_048_576


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a sheet, the first one unless another is wanted. Raises DataProblem."""
    with archives.opened(path) as archive:
        _refuse_locked(path, archive.namelist(), archive)
        parts = tuple(
            element.get(f"{_TABLE}name", "")
            for event, element in archives.elements(path, archive, _CONTENT)
            if event == "start" and element.tag == f"{_TABLE}table"
        )
    if not parts:
        raise DataProblem(f"{path.name} has no sheet. Save the table as a sheet.")
    chosen = grids.chosen_part(path, parts, part)
    merges: list[Merge] = []
    for _ in _rows(path, chosen, merges):
        pass
    grid = Grid(lambda: _rows(path, chosen, []), tuple(merges))
    return grids.source_of(path, READER.name, grid, parts=parts, part=chosen)


def _refuse_locked(path: Path, names: Sequence[str], archive: Any) -> None:
    manifest = "META-INF/manifest.xml"
    if manifest in names and b"encryption-data" in archive.read(manifest)[:1_000_000]:
        raise DataProblem(
            f"{path.name} is protected by a password. Save it without one and choose it again."
        )


def _rows(path: Path, sheet: str, merges: list[Merge]) -> Iterator[tuple[int, Sequence[str]]]:
    """(row from 0, cells) of one sheet; empty rows that are only repeated are passed over."""
    inside = False
    row = 0
    with archives.opened(path) as archive:
        for event, element in archives.elements(path, archive, _CONTENT):
            if element.tag == f"{_TABLE}table" and event == "start":
                inside = element.get(f"{_TABLE}name", "") == sheet
            elif element.tag == f"{_TABLE}table" and inside:
                return
            elif element.tag == f"{_TABLE}table-row" and event == "end":
                if inside:
                    repeated = _count(element, "number-rows-repeated", _MOST_ROWS - row)
                    cells = _cells(element, row, merges)
                    for place in range(repeated if any(cells) else 0):
                        yield row + place, cells
                    row += repeated
                element.clear()


def _cells(element: Any, row: int, merges: list[Merge]) -> list[str]:
    cells: list[str] = []
    for cell in element:
        if cell.tag not in _CELLS:
            continue
        text = _text(cell)
        down, right = (
            _count(cell, f"number-{name}-spanned", MAX_COLUMNS) for name in ("rows", "columns")
        )
        if down > 1 or right > 1:
            place = len(cells)
            merges.append(Merge(row, place, row + down - 1, place + right - 1))
        # Empty cells are repeated to the sheet's end; of filled ones no more are read than can be.
        most = MAX_COLUMNS + 1 - len(cells)
        cells.extend([text] * _count(cell, "number-columns-repeated", max(1, most)))
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _text(cell: Any) -> str:
    """What the cell shows; of dates and numbers the plain value."""
    kind = cell.get(f"{_OFFICE}value-type")
    if kind == "date":
        return str(cell.get(f"{_OFFICE}date-value", "")).replace("T", " ")
    if kind == "float":
        try:
            return grids.as_text(float(cell.get(f"{_OFFICE}value", "")))
        except ValueError:
            pass
    return "\n".join(_paragraph(part) for part in cell if part.tag == f"{_TEXT}p")


def _paragraph(element: Any) -> str:
    """A paragraph's text; runs of blanks and line breaks are elements of their own."""
    pieces = [element.text or ""]
    for part in element:
        if part.tag == f"{_TEXT}s":
            pieces.append(" " * min(100, _count_of(part.get(f"{_TEXT}c"), 1)))
        elif part.tag == f"{_TEXT}line-break":
            pieces.append("\n")
        elif part.tag == f"{_TEXT}tab":
            pieces.append("\t")
        else:
            pieces.append(_paragraph(part))
        pieces.append(part.tail or "")
    return "".join(pieces)


def _count(element: Any, name: str, most: int) -> int:
    return max(1, min(most, _count_of(element.get(f"{_TABLE}{name}"), 1)))


def _count_of(value: str | None, default: int) -> int:
    return (
        int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else default
    )


READER = Reader("ods", "LibreOffice: a sheet with a header", (".ods",), open_file)
