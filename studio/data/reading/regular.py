"""Blocks of CSV text that keep to the rule are read whole, by Arrow; others are left to Python's csv."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

_NEWLINE, _RETURN, _QUOTE = ord("\n"), ord("\r"), ord('"')
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """The whole rows at the beginning of a text: how many bytes and lines they take, and where each is.

    `starts` and `lines` tell of every row at which byte and on which line it begins, from 0; blank
    lines are rows too, `is_filled` says which rows are none.
    """

    bytes: int
    line_count: int
    starts: Places
    lines: Places
    is_filled: NDArray[np.bool_]


def whole_rows(text: bytes, separator: bytes) -> Block | None:
    """The rows of UTF-8 or 8-bit text that end within it; None where a quotation mark stands where the
    rule (RFC 4180) has none, or where no row ends. A carriage return stands before line feeds only.

    A cell is in quotes as a whole, with those inside it written twice, or holds none. So every odd
    mark opens: a separator, a line's end or the mark that it doubles stands before it; every even one
    closes, with one of these behind it. Where that holds for all marks, no other reading is possible.
    """
    signs = np.frombuffer(text, np.uint8)
    newlines = np.flatnonzero(signs == _NEWLINE)
    ends = newlines
    if b'"' in text:
        marks = np.flatnonzero(signs == _QUOTE)
        ends = newlines[np.searchsorted(marks, newlines) % 2 == 0]
        if not len(ends):
            return None
        marks = marks[: np.searchsorted(marks, ends[-1])]
        opening, closing = marks[0::2], marks[1::2]
        borders = np.zeros(256, bool)
        borders[[separator[0], _NEWLINE, _RETURN, _QUOTE]] = True
        # The text's first sign has none before it: the last one, a line's end, stands in for that.
        if not (borders[signs[opening - 1]] | (opening == 0)).all():
            return None
        if not borders[signs[closing + 1]].all():
            return None
    if not len(ends):
        return None
    starts = np.r_[0, ends[:-1] + 1]
    lines = np.r_[0, np.searchsorted(newlines, ends[:-1]) + 1]
    line_count = int(np.searchsorted(newlines, ends[-1])) + 1
    is_filled = ends - starts > (signs[starts] == _RETURN)
    return Block(int(ends[-1]) + 1, line_count, starts, lines, is_filled)


def columns_of(text: bytes, separator: str, width: int) -> Sequence[pyarrow.Array] | None:
    """The cells of a block's rows that are no blank lines, as columns of text (`large_string`).

    None where a row has another number of cells, or where Arrow would not read what stands there as
    Python's csv does.
    """
    import pyarrow
    import pyarrow.csv

    if text.startswith(_BYTE_ORDER_MARK):
        return None  # Arrow would pass over it
    names = [str(place) for place in range(width)]
    try:
        table = pyarrow.csv.read_csv(
            pyarrow.BufferReader(text),
            pyarrow.csv.ReadOptions(
                use_threads=False, column_names=names, block_size=len(text) + 1
            ),
            pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.large_string()),
                null_values=[],
                strings_can_be_null=False,
                # Found to be so before; what another program writes meanwhile is found by its stamp.
                check_utf8=False,
            ),
        )
    except pyarrow.ArrowInvalid:
        return None
    return [_with_plain_newlines(column.chunk(0)) for column in table.columns]


def _with_plain_newlines(cells: Any) -> Any:
    import pyarrow.compute

    content = cells.buffers()[2]
    if content is None or not (np.frombuffer(content, np.uint8) == _RETURN).any():
        return cells
    return pyarrow.compute.replace_substring(cells, "\r\n", "\n")


def may_be_blank(cells: Any) -> NDArray[np.bool_]:
    """Of a column of text: which cells do not begin with a sign of ASCII that can be seen."""
    _, offsets, content = cells.buffers()
    places = np.frombuffer(offsets, np.int64)[cells.offset :][: len(cells) + 1]
    signs = np.frombuffer(content or b"", np.uint8)
    if not len(signs):
        return np.ones(len(cells), bool)
    first = signs[np.minimum(places[:-1], len(signs) - 1)]
    is_hidden: NDArray[np.bool_] = (places[:-1] == places[1:]) | (first <= 0x20) | (first >= 0x7F)
    return is_hidden
