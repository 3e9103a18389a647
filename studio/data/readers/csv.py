"""CSV: cells in rows under a header; separator, quoting and encoding are found out."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from studio.data.encoding import find_encoding
from studio.data.reading.delimited import CellRow, Layout, Run, returns_in, rows, runs
from studio.data.table import MAX_COLUMNS, Piece, Reader, Record, Source
from studio.errors import DataProblem

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SAMPLE_CHARACTERS = 262_144
_SAMPLE_RECORDS = 200
_ROWS_GATHERED = 1_000
_MAX_CELL_CHARACTERS = 2**31 - 1
_DECIMAL_COMMA = re.compile(r'(?:^|[;\t|])"?-?[\d.]*\d,\d+"?(?=[;\t|\r\n]|$)', re.MULTILINE)
_LINES_NAMED = 5
_LONGEST_NAME = 60


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
        layout = Layout(encoding.name, separator, lines_to_skip, *returns_in(path))
        header = next(
            (row for row in rows(path, file, layout) if any(map(str.strip, row.cells))), None
        )
    if header is None:
        raise DataProblem(
            f"{path.name} holds no rows. The first row names the columns, the others follow."
        )
    columns = _columns(path, header)
    source = Source(
        path,
        READER.name,
        lambda: _records(source, layout, header),
        columns,
        pieces=lambda: _pieces(source, layout, header),
    )
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
    """The rows below the header, one at a time."""
    for piece in _pieces(source, layout, header):
        rows = zip(*(column.to_pylist() for column in piece.columns), strict=True)
        for cells, line, number in zip(rows, piece.lines, piece.numbers, strict=True):
            yield Record(dict(zip(source.columns, cells, strict=True)), line, number)


def _pieces(source: Source, layout: Layout, header: CellRow) -> Iterator[Piece]:
    """The rows below the header. Raises DataProblem at the end where rows do not fit the header."""
    path, columns = source.path, source.columns
    tally = _Tally(len(columns))
    for run in runs(path, layout, header.number + 1, len(header.cells)):
        yield from tally.run(run) if isinstance(run, Run) else tally.row(run)
    yield from tally.gathered()
    if tally.ragged:
        raise DataProblem(_ragged_words(path, columns, tally.ragged, layout.separator))
    if not tally.count:
        raise DataProblem(f"{path.name} has a header but no rows below it. Add rows and save it.")
    if tally.blank:
        source.note(
            f"{tally.blank} blank {'row was' if tally.blank == 1 else 'rows were'} passed over."
        )


class _Tally:
    """Makes pieces of `width` columns out of rows and runs of rows; counts what is blank or ragged.

    Blank rows after the last row are how spreadsheets end a file; only those between count.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[CellRow] = []
        self._trailing = 0
        self.count = self.blank = 0
        self.ragged: list[CellRow] = []

    def row(self, row: CellRow) -> Iterator[Piece]:
        """Take a row; gives the rows gathered once there are many."""
        cells = row.cells
        # The first cell mostly tells: it is looked at before all are.
        if not (cells and cells[0].strip()) and not any(map(str.strip, cells)):
            self._trailing += 1
            return
        self._filled(0)
        if len(cells) != self._width:
            row = row._replace(cells=_without_empty_end(cells, self._width))
        if len(row.cells) != self._width:
            self.ragged.append(row)
            return
        self.count += 1
        self._rows.append(row)
        if len(self._rows) >= _ROWS_GATHERED:
            yield from self.gathered()

    def run(self, run: Run) -> Iterator[Piece]:
        """Take a run of rows of one width."""
        yield from self.gathered()
        if not len(run.lines):
            self._trailing += run.trailing
            return
        self._filled(run.blank)
        self._trailing = run.trailing
        columns, others = run.columns[: self._width], run.columns[self._width :]
        if any(cell.strip() for column in others for cell in column.unique().to_pylist()):
            cells = zip(*(column.to_pylist() for column in run.columns), strict=True)
            for line, number, each in zip(run.lines, run.numbers, cells, strict=True):
                yield from self.row(CellRow(line, number, list(each)))
            return
        self.count += len(run.lines)
        yield Piece(columns, run.lines, run.numbers)

    def gathered(self) -> Iterator[Piece]:
        """The rows gathered so far, if any."""
        if self._rows:
            import pyarrow

            columns = [
                pyarrow.array(cells, pyarrow.large_string())
                for cells in zip(*(row.cells for row in self._rows), strict=True)
            ]
            rows, self._rows = self._rows, []
            yield Piece(columns, [row.line for row in rows], [row.number for row in rows])

    def _filled(self, blank: int) -> None:
        """A row with a text has come, and `blank` ones in its run."""
        self.blank += self._trailing + blank
        self._trailing = 0


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
