"""Readers, one file a kind of data file; `open_source` finds the right one by what the file holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from studio.data.reading.collections import MOST_ENTRIES
from studio.data.reading.signature import kind_of
from studio.data.table import Reader, Source, Table
from studio.errors import DataProblem
from studio.registry import discover

Read = TypeVar("Read")

READERS: dict[str, Reader] = discover(__name__, "READER", Reader)

READING = 2
"""Raised when a reader begins to read the same file differently: what was kept is then read anew."""

_OTHER_KINDS = {
    ".doc": "This is an old Word file. Save it as DOCX there and choose that file.",
    ".rtf": "This is a rich text document. Save it as DOCX and choose that file.",
    ".odt": "This is a LibreOffice text. Save it as DOCX and choose that file.",
    ".numbers": "This is an Apple Numbers file. Export it there as Excel or CSV.",
    ".pages": "This is an Apple Pages file. Export it there as Word.",
    ".gz": "This file is compressed. Unpack it first.",
    ".rar": "This archive cannot be opened here. Unpack it and choose the folder.",
    ".7z": "This archive cannot be opened here. Unpack it and choose the folder.",
}


def endings() -> tuple[str, ...]:
    """Every file ending that can be read, for file choosers: `('.csv', '.tsv', …)`."""
    return tuple(ending for reader in READERS.values() for ending in reader.endings)


def open_source(path: Path, part: str | None = None) -> Source:
    """The file's rows, to be read as often as wanted; `part` names a sheet, split or file inside.

    Raises DataProblem, in plain words, for anything that cannot be read; so do its `records`.
    """
    path = Path(path)
    _check_file(path)
    reader = _reader_for(path)
    before = stamp_of(path)
    with _in_words(path):
        source = reader.open(path, part)
    ending = path.suffix.lower()
    if ending in endings() and ending not in reader.endings:
        kind = reader.title.partition(":")[0]
        source.note(f"The name ends in '{ending}', but this is {kind}; it was read as that.")
    pieces = source.pieces
    return replace(
        source,
        records=lambda: _watched(source.path, source.records, before),
        pieces=pieces and (lambda: _watched(source.path, pieces, before)),
    )


def read(path: Path, part: str | None = None) -> Table:
    """The file's rows in memory, for small files. Raises DataProblem as `open_source` does."""
    source = open_source(path, part)
    records = list(source.records())
    names = dict.fromkeys(source.columns or (name for record in records for name in record.row))
    return Table(
        source.path,
        source.format,
        tuple(names),
        [record.row for record in records],
        [record.line for record in records],
        [record.number for record in records],
        tuple(source.notes),
        source.parts,
        source.part,
    )


def _watched(path: Path, read: Callable[[], Iterator[Read]], before: str) -> Iterator[Read]:
    """What is read of a file, refused where it is no longer the one that was opened."""
    with _in_words(path):
        try:
            yield from read()
        except DataProblem as problem:
            # What looks wrong in a file that another program is writing is not the person's fault.
            if stamp_of(path) != before:
                raise _changed(path) from problem
            raise
        if stamp_of(path) != before:
            raise _changed(path)


def stamp_of(path: Path) -> str:
    """The state of a file, or of all below a folder, and the way of reading; equal while nothing changed."""
    try:
        # Of a folder no more than a folder may hold: somebody may be about to type a longer path.
        files = [path] if not path.is_dir() else sorted(islice(path.rglob("*"), MOST_ENTRIES))
        states = [(file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except (OSError, ValueError):
        return ""
    digest = hashlib.blake2b(repr(states).encode(), digest_size=8).hexdigest()
    return f"{READING}:{len(states)}:{digest}"


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """What reading may end in, in words."""
    try:
        yield
    except UnicodeError as error:
        raise _changed(path) from error
    except MemoryError as error:
        raise DataProblem(
            f"{path.name} is too large for this computer's memory. Split it into smaller files."
        ) from error
    except OSError as error:
        raise DataProblem(
            f"{path.name} could not be read ({error.strerror or error}). "
            "Check that it is still there and not open in another program."
        ) from error


def _changed(path: Path) -> DataProblem:
    return DataProblem(
        f"{path.name} changed while it was read. Wait until it is saved, then choose it again."
    )


def _reader_for(path: Path) -> Reader:
    """The reader for what the file holds, else for its ending."""
    if path.is_dir():
        return READERS["folder"]
    with _in_words(path):
        found = kind_of(path)
    if found is not None:
        return READERS[found]
    ending = path.suffix.lower()
    for reader in READERS.values():
        if ending in reader.endings:
            return reader
    known = ", ".join(endings())
    hint = _OTHER_KINDS.get(
        ending, f"Save the rows as CSV or JSONL and choose that file ({known})."
    )
    kind = f"files ending in '{ending}'" if ending else "files without an ending"
    raise DataProblem(f"{path.name}: {kind} cannot be read. {hint}")


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise DataProblem(f"There is no file {path}. Check the name and the folder.")
        if path.is_dir():
            return
        if not path.is_file():
            raise DataProblem(f"{path} is not an ordinary file. Choose a data file.")
        if path.stat().st_size == 0:
            raise DataProblem(
                f"{path.name} is empty (0 bytes). Save it again, or choose another file."
            )
    except (OSError, ValueError) as error:
        raise DataProblem(f"{str(path)!r} cannot be opened ({error}).") from error
