"""Grids of cells, as spreadsheets and tables in documents have them: where the header is, and the rows."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.data.table import MAX_COLUMNS, Record, Source
from studio.errors import DataProblem

_HEADER_WITHIN = 20
"""The header is looked for in so many rows that hold anything."""


@dataclass(frozen=True)
class Merge:
    """Cells shown as one: rows and columns counted from 0, the last ones included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Grid:
    """The cells of one sheet: `rows()` gives (row from 0, cells from column 0), empty rows or not."""

    rows: Callable[[], Iterator[tuple[int, Sequence[Any]]]]
    merges: tuple[Merge, ...] = ()


def source_of(
    path: Path,
    format_name: str,
    grid: Grid,
    *,
    parts: tuple[str, ...] = (),
    part: str | None = None,
) -> Source:
    """The rows below a grid's header, every cell as its text. Raises DataProblem without a header."""
    top, names = _header(path, grid)
    columns = tuple(name for name in names if name)
    source = Source(
        path, format_name, lambda: _records(source, grid, top, names), columns, parts, part
    )
    if top.skipped:
        first = (
            f"first {top.skipped} filled rows were" if top.skipped > 1 else "first filled row was"
        )
        source.note(
            f"The {first} taken for a title; the names of the columns stand in row {top.last + 1}."
        )
    if any(name.startswith("Column ") for name in names):
        unnamed = ", ".join(name for name in names if name.startswith("Column "))
        source.note(f"Without a name in the header: {unnamed}.")
    if len(parts) > 1:
        source.note(f"Read: '{part}'. Also there: {', '.join(parts_besides(parts, part))}.")
    return source


def parts_besides(parts: Sequence[str], part: str | None) -> list[str]:
    """The other parts, in quotes, for a sentence."""
    return [f"'{other}'" for other in parts if other != part]


def chosen_part(path: Path, parts: Sequence[str], wanted: str | None, noun: str = "sheet") -> str:
    """The part that is wanted, else the first. Raises DataProblem where there is none of that name."""
    if wanted is None:
        return parts[0]
    if wanted not in parts:
        known = ", ".join(f"'{each}'" for each in parts)
        raise DataProblem(f"{path.name} has no {noun} '{wanted}'. There is: {known}.")
    return wanted


@dataclass(frozen=True)
class _Top:
    """The rows of the header, from `first` to `last`, and how many filled ones stand above it."""

    first: int
    last: int
    skipped: int


def _header(path: Path, grid: Grid) -> tuple[_Top, list[str]]:
    """Where the header is, and a name for each column in use."""
    filled, used = _looked_through(grid)
    if not filled:
        raise DataProblem(
            f"{path.name} holds no cells with text. The first row names the columns, the others follow."
        )
    if len(used) > MAX_COLUMNS:
        raise DataProblem(
            f"{path.name}: {len(used):,} columns are more than the {MAX_COLUMNS:,} that can be read. "
            "Keep the columns that are needed."
        )
    top = _find_top(filled, grid.merges, len(used))
    rows = [cells for row, cells in filled if top.first <= row <= top.last]
    names = [_name(rows, place) if place in used else "" for place in range(max(used) + 1)]
    return top, _told_apart(names, rows, grid.merges, top)


def _looked_through(grid: Grid) -> tuple[list[tuple[int, list[str]]], set[int]]:
    """The first rows that hold anything, and the columns that hold anything anywhere."""
    filled: list[tuple[int, list[str]]] = []
    used: set[int] = set()
    for row, cells in grid.rows():
        found = {place for place, cell in enumerate(cells) if cell not in (None, "")}
        if not found <= used or len(filled) < _HEADER_WITHIN:
            found = {place for place in found if as_text(cells[place])}
            used |= found
            if found and len(filled) < _HEADER_WITHIN:
                filled.append((row, [as_text(cell) for cell in cells]))
    return filled, used


def _find_top(filled: Sequence[tuple[int, list[str]]], merges: Sequence[Merge], width: int) -> _Top:
    """Titles stand above the header: fewer cells than half of the columns, or one merged over most."""
    for skipped, (row, cells) in enumerate(filled[:-1]):
        count = sum(map(bool, cells))
        over = [merge for merge in merges if merge.top <= row <= merge.bottom]
        widest = max((merge.right - merge.left + 1 for merge in over), default=1)
        is_title = widest > 1 and widest >= width and count == 1
        is_sparse = width > 2 and count < width / 2 and not over
        if is_title or (count == 1 and width > 1 and not over) or is_sparse:
            continue
        last = max([row, *(merge.bottom for merge in over if merge.right == merge.left)])
        if any(merge.right > merge.left for merge in over):
            # A heading over several columns: their own names stand in the next row.
            last = max(last, filled[skipped + 1][0])
        return _Top(row, last, skipped)
    return _Top(filled[0][0], filled[0][0], 0)


def _name(rows: Sequence[list[str]], place: int) -> str:
    """The lowest text of the header in a column; of nameless ones the letter of the column."""
    texts = [_at(cells, place) for cells in rows if _at(cells, place)]
    return _one_line(texts[-1]) if texts else f"Column {letters(place)}"


def _told_apart(
    names: list[str], rows: Sequence[list[str]], merges: Sequence[Merge], top: _Top
) -> list[str]:
    """Names that stand twice get the heading above them in front, or a number behind."""
    told: list[str] = []
    for place, name in enumerate(names):
        if name and (names.count(name) > 1):
            above = _heading_above(rows, place, merges, top)
            if above and above != name:
                name = f"{above} {name}"
        number, plain = 2, name
        while name and name in told:
            name, number = f"{plain} ({number})", number + 1
        told.append(name)
    return told


def _heading_above(
    rows: Sequence[list[str]], place: int, merges: Sequence[Merge], top: _Top
) -> str:
    for merge in merges:
        if merge.left <= place <= merge.right and top.first <= merge.top <= top.last:
            return _one_line(_at(rows[0], merge.left))
    return ""


def _records(source: Source, grid: Grid, top: _Top, names: Sequence[str]) -> Iterator[Record]:
    """The rows below the header; a cell merged over several rows stands in each of them."""
    tall = [merge for merge in grid.merges if merge.bottom > merge.top and merge.top > top.last]
    held: dict[int, tuple[int, str]] = {}
    starts = {(merge.top, merge.left): merge.bottom for merge in tall}
    places = [(place, name) for place, name in enumerate(names) if name]
    blank, before = 0, top.last
    for row, cells in grid.rows():
        if row <= top.last:
            continue
        found = {name: as_text(_at(cells, place)) for place, name in places}
        if starts:
            _fill(found, row, places, starts, held)
        if not any(found.values()):
            continue
        blank, before = blank + row - before - 1, row
        yield Record(found, row + 1, row + 1)
    if before == top.last:
        raise DataProblem(
            f"{source.path.name} has names of columns but no rows below them. Add rows and save it."
        )
    if blank:
        source.note(f"{blank} blank {'row was' if blank == 1 else 'rows were'} passed over.")


def _fill(
    found: dict[str, Any],
    row: int,
    places: Iterable[tuple[int, str]],
    starts: dict[tuple[int, int], int],
    held: dict[int, tuple[int, str]],
) -> None:
    for place, name in places:
        if (row, place) in starts:
            held[place] = (starts[row, place], found[name])
        elif place in held and row <= held[place][0] and not found[name]:
            found[name] = held[place][1]


def any_text(cells: Sequence[Any]) -> bool:
    """Whether any cell shows something."""
    return any(cell not in (None, "") and as_text(cell) for cell in cells)


def as_text(cell: Any) -> str:
    """A cell as a CSV would hold it: whole numbers without a point, dates as `2026-11-22`."""
    if isinstance(cell, str):
        return cell.strip().replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return ""
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        is_day = cell.time() == datetime.time()
        return cell.date().isoformat() if is_day else cell.isoformat(" ", "seconds")
    return str(cell)


def letters(place: int) -> str:
    """A column's letters in a spreadsheet: `A` for 0, `AA` for 26."""
    name = ""
    for _ in itertools.count():
        name = chr(ord("A") + place % 26) + name
        place = place // 26 - 1
        if place < 0:
            return name
    return name


def _at(cells: Sequence[Any], place: int) -> Any:
    return cells[place] if place < len(cells) else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
