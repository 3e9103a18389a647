"""CSV: cells in rows under a header; separator, quoting and encoding are found out."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from studio.data.encoding import find_encoding
from studio.data.table import MAX_COLUMNS, Reader, Record, Source
from studio.errors import DataProblem

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAMPLE_CHARACTERS = 262_144
_SAMPLE_RECORDS = 200
_PIECE_BYTES = 1 << 20
_MAX_CELL_CHARACTERS = 2**31 - 1
_DECIMAL_COMMA = re.compile(r'(?:^|[;\t|])"?-?[\d.]*\d,\d+"?(?=[;\t|\r\n]|$)', re.MULTILINE)
_LINES_NAMED = 5
_LONGEST_NAME = 60


class CellRow(NamedTuple):
    """The cells of one row of the file, and where they stand."""

    line: int
    number: int
    cells: list[str]


@dataclass(frozen=True)
class Layout:
    """How the file is written."""

    encoding: str
    separator: str
    lines_to_skip: int
    has_returns: bool
    """Whether a carriage return stands anywhere; where none does no cell is looked at for one."""


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a CSV file; every cell is a string. Raises DataProblem naming file and line."""
    # The library's own limit of 131,072 characters is there for old machines.
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    encoding = find_encoding(path)
    with open(path, encoding=encoding.name, newline="") as file:
        separator, lines_to_skip = _find_separator(file)
        file.seek(0)
        has_decimal_commas = separator != "," and _DECIMAL_COMMA.search(
            file.read(_SAMPLE_CHARACTERS)
        )
        layout = Layout(encoding.name, separator, lines_to_skip, _has_returns(path))
        header = next(
            (record for record in _cells(path, file, layout) if any(map(str.strip, record.cells))),
            None,
        )
    if header is None:
        raise DataProblem(
            f"{path.name} holds no rows. The first row names the columns, the others follow."
        )
    columns = _columns(path, header)
    source = Source(path, READER.name, lambda: _records(source, layout, header), columns, notes=[])
    for note in filter(None, (encoding.note, *_notes(columns, separator))):
        source.note(note)
    if has_decimal_commas:
        source.note("Numbers are written with a decimal comma; they are kept as they stand.")
    return source


def _notes(columns: tuple[str, ...], separator: str) -> Iterator[str]:
    """What a person would like to know about how the file was read."""
    if separator != ",":
        yield f"The columns are separated by {_SEPARATORS[separator]}."
    sentence = next((name for name in columns if _is_sentence(name)), None)
    if sentence is not None:
        yield (
            f"The first row was taken for the names of the columns ('{sentence[:60]}'). "
            "If it is a row like the others, put a row of names above it."
        )


def _is_sentence(name: str) -> bool:
    return len(name) > _LONGEST_NAME or "\n" in name or name.endswith((".", "?", "!", "。", "？"))


def _records(source: Source, layout: Layout, header: CellRow) -> Iterator[Record]:
    """The rows below the header. Raises DataProblem at the end where rows do not fit the header."""
    columns, width = source.columns, len(source.columns)
    ragged: list[CellRow] = []
    count = blank = trailing = 0
    with open(source.path, encoding=layout.encoding, newline="") as file:
        for line, number, cells in _cells(source.path, file, layout):
            if number <= header.number:
                continue
            # The first cell mostly tells: it is looked at before all are.
            if not (cells and cells[0].strip()) and not any(map(str.strip, cells)):
                trailing += 1
                continue
            # Blank rows after the last row are how spreadsheets end a file; only those between count.
            blank, trailing = blank + trailing, 0
            if len(cells) != width:
                cells = _without_empty_end(cells, width)
                if len(cells) != width:
                    ragged.append(CellRow(line, number, cells))
                    continue
            count += 1
            yield Record(dict(zip(columns, cells, strict=True)), line, number)
    if ragged:
        raise DataProblem(_ragged_words(source.path, columns, ragged, layout.separator))
    if not count:
        raise DataProblem(
            f"{source.path.name} has a header but no rows below it. Add rows and save it."
        )
    if blank:
        source.note(f"{blank} blank {'row was' if blank == 1 else 'rows were'} passed over.")


def _columns(path: Path, header: CellRow) -> tuple[str, ...]:
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


def _cells(path: Path, file: TextIO, layout: Layout) -> Iterator[CellRow]:
    """The file's rows, blank ones too, as a spreadsheet would count them."""
    file.seek(0)
    for _ in range(layout.lines_to_skip):
        file.readline()
    reader = csv.reader(file, delimiter=layout.separator, strict=True)
    line = layout.lines_to_skip + 1
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if layout.has_returns and "\r" in "".join(cells):
                cells = [_with_plain_newlines(cell) for cell in cells]
            yield CellRow(line, number, cells)
            line = reader.line_num + layout.lines_to_skip + 1
    except csv.Error as error:
        raise DataProblem(
            f"{path.name}, line {line}: a quotation mark is out of place in this row. A cell "
            'in quotes must end with one, and a quotation mark inside it is written twice ("").'
        ) from error


def _has_returns(path: Path) -> bool:
    with open(path, "rb") as file:
        while piece := file.read(_PIECE_BYTES):
            if b"\r" in piece:
                return True
    return False


def _with_plain_newlines(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def _without_empty_end(cells: list[str], width: int) -> list[str]:
    """`cells` without the empty ones that a separator at the end of the line makes."""
    return cells[:width] if not any(map(str.strip, cells[width:])) else cells


def _ragged_words(
    path: Path, columns: tuple[str, ...], ragged: list[CellRow], separator: str
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


READER = Reader("csv", "CSV: a table with a header", (".csv", ".tsv", ".tab"), open_file)
