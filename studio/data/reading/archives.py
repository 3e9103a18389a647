"""ZIP archives, opened with care: no bombs, no names that lead out, no entities in their XML."""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from studio.errors import DataProblem

MOST_BYTES = 8_000_000_000
MOST_FILES = 10_000
# Office files shrink to a tenth, repetitive tables to a fiftieth; a bomb to a thousandth.
MOST_SHRUNK = 250
_BROKEN = (EOFError, ValueError, IndexError, NotImplementedError)
_SMALL_BYTES = 50_000_000
_PROLOG_BYTES = 65_536
_MOST_DEPTH = 200


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A ZIP archive whose contents may be unpacked. Raises DataProblem for damaged or dangerous ones."""
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_bombs(path, archive)
            yield archive
    except (zipfile.BadZipFile, zlib.error, struct.error, *_BROKEN) as error:
        raise DataProblem(
            f"{path.name} is damaged or was cut off ({error}). Save or download it again."
        ) from error
    except RuntimeError as error:
        # What zipfile says of a locked entry.
        raise DataProblem(
            f"{path.name} is protected by a password. Remove the password and choose it again."
        ) from error


def _refuse_bombs(path: Path, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise DataProblem(
            f"{path.name} holds {len(entries):,} files; at most {MOST_FILES:,} can be read. "
            "Split it, or unpack it and choose the file that is meant."
        )
    size = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    if size > MOST_BYTES or (size > _SMALL_BYTES and size / packed > MOST_SHRUNK):
        raise DataProblem(
            f"{path.name} would grow from {packed:,} to {size:,} bytes when unpacked. This looks "
            "like a ZIP bomb; it was not opened. If it is genuine, unpack it yourself first."
        )


def unpack(path: Path, folder: Path) -> list[str]:
    """Unpack an archive's files into a folder; gives the names of what was left out.

    Raises DataProblem where a name would lead out of the folder.
    """
    left_out = []
    with opened(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith("/"):
                continue
            place = _place(path, entry)
            if place is None:
                left_out.append(entry.filename)
                continue
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as packed, open(target, "wb") as file:
                shutil.copyfileobj(packed, file)
    return left_out


def _place(path: Path, entry: zipfile.ZipInfo) -> Path | None:
    """Where an entry goes; None for a link or one without a name."""
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if not name.parts:
        return None
    is_drive = ":" in name.parts[0]
    if name.is_absolute() or is_drive or ".." in name.parts or "\0" in entry.filename:
        raise DataProblem(
            f"{path.name}: the entry '{entry.filename[:80]}' would be written outside of the archive's "
            "folder. Such an archive is not opened; unpack it with a program that you trust."
        )
    return None if stat.S_ISLNK(entry.external_attr >> 16) else Path(*name.parts)


def elements(
    path: Path, archive: zipfile.ZipFile, name: str
) -> Iterator[tuple[str, ElementTree.Element]]:
    """The `start` and `end` events of an XML entry as it is read. Raises DataProblem.

    Whoever reads clears the elements that are done with; nothing outside of the entry is loaded.
    """
    try:
        with archive.open(name) as file:
            prolog = file.read(_PROLOG_BYTES)
        if b"<!DOCTYPE" in prolog or b"<!ENTITY" in prolog or b"<\0!\0D\0" in prolog:
            raise DataProblem(
                f"{path.name} defines entities of its own, which no office program writes. "
                "It was not read."
            )
        with archive.open(name) as file:
            depth = 0
            for event, element in ElementTree.iterparse(file, events=("start", "end")):
                depth += 1 if event == "start" else -1
                if depth > _MOST_DEPTH:
                    raise DataProblem(
                        f"{path.name} nests its contents more than {_MOST_DEPTH} deep. "
                        "Save it again in its program."
                    )
                yield event, element
    except KeyError as error:
        raise DataProblem(
            f"{path.name} lacks the part '{name}', so it is not what its name says. Save it again "
            "in its program."
        ) from error
    except ElementTree.ParseError as error:
        raise DataProblem(
            f"{path.name} is damaged (in '{name}': {error}). Save it again in its program."
        ) from error
