"""Rows out of JSON text: one object a line, or one list of objects, read a piece at a time."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from studio.data.encoding import find_encoding
from studio.data.table import MAX_COLUMNS, Record, Source
from studio.errors import DataProblem

_MAX_DEPTH = 64
_PIECE_CHARACTERS = 1 << 20
_LARGEST_ELEMENT_CHARACTERS = 1 << 28
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\r\n]*")
_EXPECTED = 'Expected on each line: {"prompt": "…", "response": "…"}.'


class _Unusable(ValueError):
    """A value that is JSON by the letter but not usable; its text says why."""


def source_of(path: Path, format_name: str) -> Source:
    """The rows of a file of JSON, whatever its ending. Raises DataProblem naming the line."""
    encoding = find_encoding(path)
    source = Source(path, format_name, lambda: _records(path, encoding.name))
    if encoding.note:
        source.note(encoding.note)
    return source


def _records(path: Path, encoding: str) -> Iterator[Record]:
    columns: set[str] = set()
    with open(path, encoding=encoding) as file:
        for line, number, value in _values(path, file):
            if not isinstance(value, dict):
                raise DataProblem(
                    f"{path.name}, line {line}: this is {_kind(value)}, not an object. {_EXPECTED}"
                )
            if not columns.issuperset(value):
                columns.update(value)
            if len(columns) > MAX_COLUMNS:
                raise DataProblem(
                    f"{path.name}, line {line}: there are more than {MAX_COLUMNS:,} different "
                    "field names. Use the same names in every row."
                )
            yield Record(value, line, number)
    if not columns:
        raise DataProblem(f"{path.name} holds no rows. {_EXPECTED}")


def _values(path: Path, file: TextIO) -> Iterator[tuple[int, int, Any]]:
    """(line, row number, value) of every row, from a file of lines or from one JSON list."""
    beginning = file.read(1)
    while beginning.isspace():
        beginning = file.read(1)
    file.seek(0)
    if beginning == "[":
        yield from _List(path, file).values()
        return
    for line, text in enumerate(file, start=1):
        if text.strip():
            yield line, line, _parse(path, line, text.strip())


class _List:
    """One JSON list, decoded an element at a time; of the text no more is held than is needed."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._text = ""
        self._place = 0
        self._line = 1
        self._has_ended = False

    def values(self) -> Iterator[tuple[int, int, Any]]:
        """(line, number, value) of the elements, each with the line it begins on."""
        decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self._next_mark()
        self._place += 1
        for number in itertools.count(1):
            if self._next_mark() == "]" and number == 1:
                break
            line = self._line
            yield line, number, self._decode(decoder)
            mark = self._next_mark()
            if mark == "]":
                break
            if mark != ",":
                raise DataProblem(
                    f"{self._path.name}, line {self._line}: a comma or the closing bracket ']' of "
                    "the list is missing here. Mend that line, or save the file again."
                )
            self._place += 1
        self._place += 1
        if self._next_mark():
            raise DataProblem(
                f"{self._path.name}, line {self._line}: something follows after the end of the "
                "list. Put every row into one list, or one object on each line."
            )

    def _decode(self, decoder: json.JSONDecoder) -> Any:
        """The element that begins here, with as much more text as it takes."""
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._place)
                # A number at the end of what was read may go on.
                if end < len(self._text) or not self._more():
                    break
            except (ValueError, RecursionError) as error:
                is_whole = not isinstance(error, json.JSONDecodeError) or not self._more()
                if is_whole:
                    raise _broken(self._path, self._line, error, self._place) from error
        try:
            _check(value, self._text[self._place : end])
        except ValueError as error:
            raise _broken(self._path, self._line, error) from error
        self._advance(end)
        return value

    def _next_mark(self) -> str:
        """The next character that is no blank; empty at the end of the file."""
        while True:
            match = _SPACE.match(self._text, self._place)
            self._advance(match.end() if match else self._place)
            if self._place < len(self._text) or not self._more():
                return self._text[self._place : self._place + 1]

    def _advance(self, place: int) -> None:
        self._line += self._text.count("\n", self._place, place)
        self._place = place

    def _more(self) -> bool:
        """Read on, twice as much as is held each time; False at the end or when an element has none."""
        if self._has_ended or len(self._text) - self._place > _LARGEST_ELEMENT_CHARACTERS:
            return False
        held = self._text[self._place :]
        read = self._file.read(max(_PIECE_CHARACTERS, len(held)))
        if read:
            self._text, self._place = held + read, 0
        self._has_ended = not read
        return bool(read)


def _parse(path: Path, line: int, text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        _check(value, text)
    except (ValueError, RecursionError) as error:
        raise _broken(path, line, error) from error
    return value


def _check(value: Any, text: str) -> None:
    """Refuse what would fail later: halves of characters, and nesting that no data needs."""
    if _HALF_CHARACTER.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise _Unusable("half of a character stands alone (\\ud800 to \\udfff)") from None
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise _Unusable(f"the values are nested more than {_MAX_DEPTH} deep")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        inner: list[Any] = []
        for item in level:
            inner.extend(
                item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
            )
        depth, level = depth + 1, inner
    return depth


def _refuse_constant(name: str) -> NoReturn:
    raise _Unusable(f"{name} is not a JSON value")


def _broken(path: Path, line: int, error: Exception, place: int = 0) -> DataProblem:
    """The error in words; `place` is where the text begins that was decoded."""
    if isinstance(error, RecursionError):
        reason = f"the values are nested more than {_MAX_DEPTH} deep"
    elif isinstance(error, json.JSONDecodeError):
        # An element of a list may go over several lines.
        line += error.doc.count("\n", place, error.pos)
        reason = f"this is not a whole JSON object (at character {error.colno}: {error.msg})"
    elif isinstance(error, _Unusable):
        reason = str(error)
    else:
        reason = "a number is too long"
    return DataProblem(f"{path.name}, line {line}: {reason}. {_EXPECTED}")


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
