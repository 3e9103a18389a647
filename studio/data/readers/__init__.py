"""Readers, one file a kind of data file; `read` finds the right one by the file's ending."""

from __future__ import annotations

from pathlib import Path

from studio.data.table import Reader, Table
from studio.errors import DataProblem
from studio.registry import discover

READERS: dict[str, Reader] = discover(__name__, "READER", Reader)

_SAVE_AS_CSV = "Save it as CSV there (in Excel: File, Save As, CSV UTF-8) and choose that file."
_OTHER_KINDS = {
    ".xlsx": f"This is an Excel file. {_SAVE_AS_CSV}",
    ".xlsm": f"This is an Excel file. {_SAVE_AS_CSV}",
    ".xls": f"This is an Excel file. {_SAVE_AS_CSV}",
    ".ods": f"This is a LibreOffice spreadsheet. {_SAVE_AS_CSV}",
}


def endings() -> tuple[str, ...]:
    """Every file ending that can be read, for file choosers: `('.csv', '.tsv', …)`."""
    return tuple(ending for reader in READERS.values() for ending in reader.endings)


def read(path: Path) -> Table:
    """The table that the file holds. Raises DataProblem, in plain words, for anything else."""
    path = Path(path)
    _check_file(path)
    reader = _reader_for(path)
    try:
        before = path.stat()
        table = reader.read(path)
        after = path.stat()
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
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changed(path)
    return table


def _changed(path: Path) -> DataProblem:
    return DataProblem(
        f"{path.name} changed while it was read. Wait until it is saved, then choose it again."
    )


def _reader_for(path: Path) -> Reader:
    ending = path.suffix.lower()
    for reader in READERS.values():
        if ending in reader.endings:
            return reader
    known = ", ".join(endings())
    hint = _OTHER_KINDS.get(
        ending, f"Save the rows as CSV or JSONL and choose that file ({known})."
    )
    kind = f"files ending in '{ending}'" if ending else "files without an ending"
    raise DataProblem(f"{path.name}: {kind} cannot be read yet. {hint}")


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise DataProblem(f"{path} is a folder. Choose one data file in it.")
        if not path.exists():
            raise DataProblem(f"There is no file {path}. Check the name and the folder.")
        if not path.is_file():
            raise DataProblem(f"{path} is not an ordinary file. Choose a data file.")
        if path.stat().st_size == 0:
            raise DataProblem(
                f"{path.name} is empty (0 bytes). Save it again, or choose another file."
            )
    except (OSError, ValueError) as error:
        raise DataProblem(f"{str(path)!r} cannot be opened ({error}).") from error
