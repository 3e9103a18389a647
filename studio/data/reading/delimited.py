"""The rows of separated text: many at once through Arrow where they keep to the rule, else by Python's csv."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

import numpy as np

from studio.data.reading import regular
from studio.errors import DataProblem

_BLOCK_BYTES = 1 << 19
_PIECE_BYTES = 1 << 20
_BEGINNINGS = {"utf-8": 0, "utf-8-sig": 3, "cp1252": 0}
"""The encodings in which a separator is one byte and nothing else is, and where the text begins."""


@dataclass(frozen=True)
class Layout:
    """How a file is written. Carriage returns stand nowhere, before line feeds only, or alone too."""

    encoding: str
    separator: str
    lines_to_skip: int
    has_returns: bool = False
    has_lone_returns: bool = False

    @property
    def comes_in_blocks(self) -> bool:
        """Whether the file can be read a block of bytes at a time."""
        return self.encoding in _BEGINNINGS and not self.has_lone_returns


class CellRow(NamedTuple):
    """The cells of one row of the file, blank ones too, and where they stand."""

    line: int
    number: int
    cells: list[str]


class Run(NamedTuple):
    """Rows that follow each other, as columns of text; of rows without a text only the number is left.

    `blank` of them stood before the last row that is here, `trailing` after it.
    """

    columns: Sequence[Any]
    lines: Sequence[int]
    numbers: Sequence[int]
    blank: int
    trailing: int


def returns_in(path: Path) -> tuple[bool, bool]:
    """Whether a carriage return stands anywhere, and whether one stands without a line feed."""
    has_any, is_open = False, False
    with open(path, "rb") as file:
        while piece := file.read(_PIECE_BYTES):
            if is_open and not piece.startswith(b"\n"):
                return True, True
            is_open = piece.endswith(b"\r")
            if b"\r" in piece:
                has_any = True
                signs = np.frombuffer(piece, np.uint8)
                returns = np.flatnonzero(signs[:-1] == ord("\r"))
                if (signs[returns + 1] != ord("\n")).any():
                    return True, True
    return has_any, is_open


def rows(path: Path, file: TextIO, layout: Layout) -> Iterator[CellRow]:
    """Every row by Python's csv. Raises DataProblem where a quotation mark is out of place."""
    file.seek(0)
    for _ in range(layout.lines_to_skip):
        file.readline()
    line, number = layout.lines_to_skip + 1, 0
    reader = csv.reader(file, delimiter=layout.separator, strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _misquoted(path, line) from error
        if cells is None:
            return
        number += 1
        yield CellRow(line, number, _plain(cells, layout))
        line = reader.line_num + layout.lines_to_skip + 1


def runs(path: Path, layout: Layout, first: int, width: int) -> Iterator[CellRow | Run]:
    """The same rows, from the row of number `first` on, as runs where they have `width` cells each."""
    if not layout.comes_in_blocks:
        with open(path, encoding=layout.encoding, newline="") as file:
            yield from itertools.islice(rows(path, file, layout), first - 1, None)
        return
    with open(path, "rb") as blocks:
        text = _Text(blocks, layout)
        for _ in itertools.islice(text.rows(path), first - 1):
            pass
        while text.fill(_BLOCK_BYTES):
            run = text.run(width)
            if run is None:
                end = text.taken + _BLOCK_BYTES
                for row in text.rows(path):
                    yield row
                    if text.taken >= end:
                        break
            else:
                yield run


class _Text:
    """A file's text as bytes: what was read of it and not taken yet."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        file.seek(_BEGINNINGS[layout.encoding])
        self._file = file
        self._layout = layout
        self._codec = "utf-8" if layout.encoding == "utf-8-sig" else layout.encoding
        self._read = b""
        self._place = 0
        self._is_whole = False
        self.taken = 0
        self.line = 1
        self.number = 0
        for _ in itertools.islice(self._lines(), layout.lines_to_skip):
            pass

    def fill(self, count: int) -> bool:
        """See that so many bytes are there, where the file has them; whether any are."""
        missing = count - (len(self._read) - self._place)
        if missing > 0 and not self._is_whole:
            piece = self._file.read(missing)
            self._is_whole = len(piece) < missing
            self._read = self._read[self._place :] + piece
            self._place = 0
        return self._place < len(self._read)

    def rows(self, path: Path) -> Iterator[CellRow]:
        """The rows from here on, by Python's csv; what a row takes is taken once it is given."""
        line = self.line
        reader = csv.reader(self._lines(), delimiter=self._layout.separator, strict=True)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise _misquoted(path, line) from error
            if cells is None:
                return
            self.number += 1
            yield CellRow(line, self.number, _plain(cells, self._layout))
            line = self.line

    def run(self, width: int) -> Run | None:
        """The whole rows in what was read, taken; None, with nothing taken, where they break the rule."""
        separator = self._layout.separator
        text = self._read[self._place :]
        if self._is_whole and not text.endswith(b"\n"):
            text += b"\n"
        block = regular.whole_rows(text, separator.encode())
        if block is None:
            return None
        content = text[: block.bytes]
        if self._codec != "utf-8":
            content = content.decode(self._codec).encode()
        columns: Sequence[Any] | None = []
        if block.is_filled.any():
            columns = regular.columns_of(content, separator, width)
        if columns is None:
            return None
        run = self._placed(columns, block)
        self._take(block.bytes)
        self.line += block.line_count
        self.number += len(block.starts)
        return run

    def _placed(self, columns: Sequence[Any], block: regular.Block) -> Run:
        """The rows that hold a text, with their places."""
        import pyarrow

        found = np.flatnonzero(block.is_filled)
        if columns:
            is_blank = _blank(columns)
            if is_blank.any():
                found = found[~is_blank]
                keep = pyarrow.array(~is_blank)
                columns = [column.filter(keep) for column in columns]
        last = int(found[-1]) + 1 if len(found) else 0
        return Run(
            columns,
            (block.lines[found] + self.line).tolist(),
            (found + self.number + 1).tolist(),
            last - len(found),
            len(block.starts) - last,
        )

    def _lines(self) -> Iterator[str]:
        """The lines from here on, each taken when it is given."""
        while True:
            end = self._read.find(b"\n", self._place) + 1
            while not end and not self._is_whole:
                searched = len(self._read) - self._place
                self.fill(max(_BLOCK_BYTES, 2 * searched))
                end = self._read.find(b"\n", self._place + searched) + 1
            line = self._read[self._place : end or len(self._read)]
            if not line:
                return
            self._take(len(line))
            self.line += 1
            yield line.decode(self._codec)

    def _take(self, count: int) -> None:
        self._place = min(self._place + count, len(self._read))
        self.taken += count


def _blank(columns: Sequence[Any]) -> Any:
    """Of each row, whether none of its cells holds anything but blanks."""
    is_blank = np.zeros(len(columns[0]), bool)
    for row in np.flatnonzero(regular.may_be_blank(columns[0])).tolist():
        is_blank[row] = not any(column[row].as_py().strip() for column in columns)
    return is_blank


def _plain(cells: list[str], layout: Layout) -> list[str]:
    """The cells with line feeds for every kind of line end."""
    if not layout.has_returns or "\r" not in "".join(cells):
        return cells
    return [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells]


def _misquoted(path: Path, line: int) -> DataProblem:
    return DataProblem(
        f"{path.name}, line {line}: a quotation mark is out of place in this row. A cell "
        'in quotes must end with one, and a quotation mark inside it is written twice ("").'
    )
