"""CSV: cells in rows under a header; separator, quoting and encoding are found out."""

from __future__ import annotations

import csv
import io
import itertools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from studio.data.encoding import find_encoding
from studio.data.table import MAX_COLUMNS, Reader, Row, Table
from studio.errors import DataProblem

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAMPLE_CHARACTERS = 262_144
_SAMPLE_RECORDS = 200
_MAX_CELL_CHARACTERS = 2**31 - 1
_LINES_NAMED = 5
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Record:
    """The cells of one row of the file, and where they stand."""

    line: int
    number: int
    cells: list[str]


def read(path: Path) -> Table:
    """The table in a CSV file; every cell is a string. Raises DataProblem naming file and line."""
    # The library's own limit of 131,072 characters is there for old machines.
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    encoding = find_encoding(path)
    with open(path, encoding=encoding.name, newline="") as file:
        separator, lines_to_skip = _find_separator(file)
        records = _records(path, file, separator, lines_to_skip)
        try:
            header = next(record for record in records if any(map(str.strip, record.cells)))
        except StopIteration:
            raise DataProblem(
                f"{path.name} holds no rows. The first row names the columns, the others follow."
            ) from None
        columns = _columns(path, header)
        rows, lines, numbers, blank = _rows(path, columns, records, separator)
    notes = tuple(filter(None, (encoding.note, *_notes(columns, separator, blank))))
    return Table(path, READER.name, columns, rows, lines, numbers, notes)


def _notes(columns: tuple[str, ...], separator: str, blank: int) -> Iterator[str]:
    """What a person would like to know about how the file was read."""
    if separator != ",":
        yield f"The columns are separated by {_SEPARATORS[separator]}."
    if blank:
        yield f"{blank} blank {'row was' if blank == 1 else 'rows were'} passed over."
    sentence = next((name for name in columns if _is_sentence(name)), None)
    if sentence is not None:
        yield (
            f"The first row was taken for the names of the columns ('{sentence[:60]}'). "
            "If it is a row like the others, put a row of names above it."
        )


def _is_sentence(name: str) -> bool:
    return len(name) > _LONGEST_NAME or "\n" in name or name.endswith((".", "?", "!", "。", "？"))


def _rows(
    path: Path, columns: tuple[str, ...], records: Iterator[Record], separator: str
) -> tuple[list[Row], Sequence[int], Sequence[int], int]:
    """Rows, their lines, their numbers and how many blank rows were passed over."""
    rows: list[Row] = []
    lines, numbers = array("q"), array("q")
    ragged: list[Record] = []
    blank = trailing = 0
    for record in records:
        cells = record.cells
        if not any(cell and not cell.isspace() for cell in cells):
            trailing += 1
            continue
        # Blank rows after the last row are how spreadsheets end a file; only those between count.
        blank, trailing = blank + trailing, 0
        if len(cells) != len(columns):
            cells = _without_empty_end(cells, len(columns))
            if len(cells) != len(columns):
                ragged.append(record)
                continue
        rows.append(dict(zip(columns, cells, strict=True)))
        lines.append(record.line)
        numbers.append(record.number)
    if ragged:
        raise DataProblem(_ragged_words(path, columns, ragged, separator))
    if not rows:
        raise DataProblem(f"{path.name} has a header but no rows below it. Add rows and save it.")
    return rows, lines, numbers, blank


def _columns(path: Path, header: Record) -> tuple[str, ...]:
    names = [name.strip() for name in header.cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise DataProblem(
            f"{path.name}, line {header.line}: {len(names):,} columns are more than the "
            f"{MAX_COLUMNS:,} that can be read. Keep the columns that are needed."
        )
    for place, name in enumerate(names, start=1):
        if not name:
            raise DataProblem(
                f"{path.name}, line {header.line}: column {place} has no name. "
                "Give it one, or delete the column."
            )
        if name in names[: place - 1]:
            raise DataProblem(
                f"{path.name}, line {header.line}: two columns are named '{name}'. Rename one."
            )
    return tuple(names)


def _records(path: Path, file: TextIO, separator: str, lines_to_skip: int) -> Iterator[Record]:
    """The file's rows, blank ones too, as a spreadsheet would count them."""
    file.seek(0)
    for _ in range(lines_to_skip):
        file.readline()
    reader = csv.reader(file, delimiter=separator, strict=True)
    for number in itertools.count(1):
        line = reader.line_num + lines_to_skip + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataProblem(
                f"{path.name}, line {line}: a quotation mark is out of place in this row. A cell "
                'in quotes must end with one, and a quotation mark inside it is written twice ("").'
            ) from error
        yield Record(line, number, [_with_plain_newlines(cell) for cell in cells])


def _with_plain_newlines(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n") if "\r" in cell else cell


def _without_empty_end(cells: list[str], width: int) -> list[str]:
    """`cells` without the empty ones that a separator at the end of the line makes."""
    return cells[:width] if not any(map(str.strip, cells[width:])) else cells


def _ragged_words(
    path: Path, columns: tuple[str, ...], ragged: list[Record], separator: str
) -> str:
    first = ragged[0]
    more = ""
    if len(ragged) > 1:
        lines = ", ".join(str(record.line) for record in ragged[:_LINES_NAMED])
        dots = ", …" if len(ragged) > _LINES_NAMED else ""
        more = f" {len(ragged)} rows are like this: lines {lines}{dots}."
    cells = f"{len(first.cells)} cell{'' if len(first.cells) == 1 else 's'}"
    names = f"{len(columns)} column{'' if len(columns) == 1 else 's'}"
    return (
        f"{path.name}, line {first.line}: this row has {cells}, but the header names {names}."
        f"{more} Put a text that contains {_SEPARATORS[separator]} or line breaks in quotes "
        '("…"), or save the file as CSV from a spreadsheet.'
    )


def _find_separator(file: TextIO) -> tuple[str, int]:
    """The separator, and how many lines stand before the header (Excel's `sep=;`)."""
    sample = file.read(_SAMPLE_CHARACTERS)
    first_line = sample.split("\n", 1)[0].strip()
    if first_line[:4].lower() == "sep=" and first_line[4:] in _SEPARATORS:
        return first_line[4:], 1
    if sample.lower().startswith("sep=\t"):
        return "\t", 1
    best = max(_SEPARATORS, key=lambda separator: _agreement(sample, separator))
    return best, 0


def _agreement(sample: str, separator: str) -> tuple[float, int]:
    """How well the sample's rows agree in width with its first row when cut at `separator`."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    widths = [len(cells) for cells in itertools.islice(reader, _SAMPLE_RECORDS) if cells]
    if len(sample) >= _SAMPLE_CHARACTERS and len(widths) > 1:
        widths.pop()  # may be cut off in the middle
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


READER = Reader("csv", "CSV: a table with a header", (".csv", ".tsv", ".tab"), read)
