"""JSONL: one JSON object a line; a JSON list of objects is read as well."""

from __future__ import annotations

import itertools
import json
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from studio.data.encoding import find_encoding
from studio.data.table import MAX_COLUMNS, Reader, Row, Table
from studio.errors import DataProblem

_MAX_DEPTH = 64
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\r\n]*")
_EXPECTED = 'Expected on each line: {"prompt": "…", "response": "…"}.'


class _Unusable(ValueError):
    """A value that is JSON by the letter but not usable; its text says why."""


def read(path: Path) -> Table:
    """The table in a JSONL or JSON file; nested values stay. Raises DataProblem naming the line."""
    encoding = find_encoding(path)
    rows: list[Row] = []
    lines, numbers = array("q"), array("q")
    columns: dict[str, None] = {}
    with open(path, encoding=encoding.name) as file:
        for line, number, value in _values(path, file):
            if not isinstance(value, dict):
                raise DataProblem(
                    f"{path.name}, line {line}: this is {_kind(value)}, not an object. {_EXPECTED}"
                )
            columns.update(dict.fromkeys(value))
            if len(columns) > MAX_COLUMNS:
                raise DataProblem(
                    f"{path.name}, line {line}: there are more than {MAX_COLUMNS:,} different "
                    "field names. Use the same names in every row."
                )
            rows.append(value)
            lines.append(line)
            numbers.append(number)
    if not columns:
        raise DataProblem(f"{path.name} holds no rows. {_EXPECTED}")
    notes = (encoding.note,) if encoding.note else ()
    return Table(path, READER.name, tuple(columns), rows, lines, numbers, notes)


def _values(path: Path, file: TextIO) -> Iterator[tuple[int, int, Any]]:
    """(line, row number, value) of every row, from a file of lines or from one JSON list."""
    beginning = file.read(1)
    while beginning.isspace():
        beginning = file.read(1)
    file.seek(0)
    if beginning == "[":
        yield from _list_values(path, file.read())
        return
    for line, text in enumerate(file, start=1):
        if text.strip():
            yield line, line, _parse(path, line, text.strip())


def _list_values(path: Path, text: str) -> Iterator[tuple[int, int, Any]]:
    """The elements of a JSON list, each with the line it begins on and its number in the list."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    line = 1 + text.count("\n", 0, text.index("["))
    place = text.index("[") + 1
    for number in itertools.count(1):
        start = _skip_space(text, place)
        line += text.count("\n", place, start)
        if number == 1 and text[start : start + 1] == "]":
            place = start + 1
            break
        try:
            value, end = decoder.raw_decode(text, start)
            _check(value, text[start:end])
        except (ValueError, RecursionError) as error:
            raise _broken(path, line, error) from error
        yield line, number, value
        place = _skip_space(text, end)
        line += text.count("\n", start, place)
        mark = text[place : place + 1]
        place += 1
        if mark == "]":
            break
        if mark != ",":
            raise DataProblem(
                f"{path.name}, line {line}: a comma or the closing bracket ']' of the list is "
                "missing here. Mend that line, or save the file again."
            )
    if text[place:].strip():
        raise DataProblem(
            f"{path.name}, line {line}: something follows after the end of the list. Put every "
            "row into one list, or one object on each line."
        )


def _skip_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


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


def _broken(path: Path, line: int, error: Exception) -> DataProblem:
    if isinstance(error, RecursionError):
        reason = f"the values are nested more than {_MAX_DEPTH} deep"
    elif isinstance(error, json.JSONDecodeError):
        # A list is decoded as a whole, with lines of its own; a line of the file has but one.
        line = max(line, error.lineno)
        reason = f"this is not a whole JSON object (at character {error.colno}: {error.msg})"
    elif isinstance(error, _Unusable):
        reason = str(error)
    else:
        reason = "a number is too long"
    return DataProblem(f"{path.name}, line {line}: {reason}. {_EXPECTED}")


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


READER = Reader("jsonl", "JSONL: one object a line", (".jsonl", ".ndjson", ".json"), read)
