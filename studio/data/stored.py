"""Rows on disk: written a batch at a time from a source, hashed on the way, read a piece at a time."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import orjson

from jobs.durable import write_json
from studio.data.table import Piece, Record, Row, Source, Table
from studio.errors import DataProblem

if TYPE_CHECKING:
    import pyarrow

_ARROW_FILE = "data-00000-of-00001.arrow"
_PLACES_FILE = "places.bin"
_RECORD_FILE = "whetstone.json"
_BATCH_ROWS = 1_000
_BATCH_CHARACTERS = 1 << 24

TEXT, JSON = "text", "json"
"""How a column is stored: as its texts, or each value as JSON text (numbers, lists, objects)."""

Progress = Callable[[int], None]
"""Told how many rows have been written so far, every batch."""


class _Irregular(Exception):
    """A later row names a column, or holds a kind of value, that the first rows did not."""


def store(source: Source, folder: Path, progress: Progress | None = None) -> StoredRows:
    """Write all rows of a source into an empty folder, as `datasets` opens it.

    No more than a batch is in memory at a time. Where later rows turn out to differ in kind from
    the first ones, the file is read once more. Raises what reading the source raises, and OSError.
    """
    if source.pieces is not None:
        kinds = dict.fromkeys(source.columns, TEXT)
        return _write(folder, kinds, _batches_of_texts(source.pieces()), progress)
    kinds = _kinds(source.columns, _first_records(source))
    try:
        return _write(folder, kinds, _batches_of_values(source, kinds), progress)
    except _Irregular:
        kinds = _kinds(source.columns, source.records())
        return _write(folder, kinds, _batches_of_values(source, kinds), progress)


def _first_records(source: Source) -> list[Record]:
    """One batch of rows, without reading further."""
    return next(_batches(source.records()), [])


def _kinds(columns: Sequence[str], records: Iterable[Record]) -> dict[str, str]:
    """Every column's kind, in the order in which the rows name them."""
    kinds = dict.fromkeys(columns, TEXT)
    for record in records:
        for name, value in record.row.items():
            if name not in kinds or (value is not None and not isinstance(value, str)):
                is_text = value is None or isinstance(value, str)
                kinds[name] = kinds.get(name, TEXT) if is_text else JSON
    return kinds


class _Batch(NamedTuple):
    """Up to 1,000 rows as they are written, their places, and what the content hash takes of them."""

    columns: Sequence[pyarrow.Array]
    lines: Sequence[int]
    numbers: Sequence[int]
    hashed: bytes


def _write(
    folder: Path, kinds: dict[str, str], batches: Iterable[_Batch], progress: Progress | None
) -> StoredRows:
    import pyarrow

    # 64-bit offsets: a batch of long texts may pass 2 GB.
    schema = pyarrow.schema([(column, pyarrow.large_string()) for column in kinds])
    digest = hashlib.sha256(_line(list(kinds)))
    lines, numbers = array("q"), array("q")
    # A file of Python's: a full disk is then an OSError with its number, not an Arrow error.
    with (
        open(folder / _ARROW_FILE, "wb") as file,
        pyarrow.ipc.new_stream(file, schema) as stream,
    ):
        for batch in batches:
            digest.update(batch.hashed)
            stream.write_batch(pyarrow.record_batch(list(batch.columns), schema=schema))
            lines.extend(batch.lines)
            numbers.extend(batch.numbers)
            if progress is not None:
                progress(len(lines))
    _write_places(folder / _PLACES_FILE, lines, numbers)
    hash_ = digest.hexdigest()
    features = {column: {"dtype": "large_string", "_type": "Value"} for column in kinds}
    write_json(folder / "dataset_info.json", {"features": features})
    write_json(folder / "state.json", _state(hash_))
    record = {
        "version": 1,
        "hash": hash_,
        "columns": kinds,
        "rows": len(lines),
        "arrow_sha256": _file_hash(folder),
    }
    write_json(folder / _RECORD_FILE, record)
    return StoredRows(folder, kinds, len(lines), hash_)


def _batches_of_texts(pieces: Iterable[Piece]) -> Iterator[_Batch]:
    """Pieces cut into batches."""
    for piece in pieces:
        for begin in range(0, len(piece.lines), _BATCH_ROWS):
            end = begin + _BATCH_ROWS
            columns = [column.slice(begin, _BATCH_ROWS) for column in piece.columns]
            rows = zip(*(column.to_pylist() for column in columns), strict=True)
            hashed = b"".join(map(_text_line, rows))
            yield _Batch(columns, piece.lines[begin:end], piece.numbers[begin:end], hashed)


def _batches_of_values(source: Source, kinds: dict[str, str]) -> Iterator[_Batch]:
    """A source's rows in batches. Raises _Irregular where they are not of these kinds."""
    import pyarrow

    for batch in _batches(source.records()):
        if any(not kinds.keys() >= record.row.keys() for record in batch):
            raise _Irregular
        values = [[record.row.get(column) for record in batch] for column in kinds]
        columns = [
            pyarrow.array(_stored(each, kind), pyarrow.large_string())
            for each, kind in zip(values, kinds.values(), strict=True)
        ]
        lines, numbers = zip(*((record.line, record.number) for record in batch), strict=True)
        yield _Batch(columns, lines, numbers, b"".join(map(_line, zip(*values, strict=True))))


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in lists that stay small whatever the length of their texts."""
    batch: list[Record] = []
    characters = 0
    for record in records:
        batch.append(record)
        characters += sum(len(value) for value in record.row.values() if isinstance(value, str))
        if len(batch) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _stored(values: list[Any], kind: str) -> list[str | None]:
    """One column of a batch as it is stored. Raises _Irregular where the kind does not hold."""
    if kind == JSON:
        return [
            None if value is None else json.dumps(value, ensure_ascii=False) for value in values
        ]
    if any(not isinstance(value, str) for value in values if value is not None):
        raise _Irregular
    return values


def _write_places(path: Path, lines: array[int], numbers: array[int]) -> None:
    """Lines, then numbers, as 64-bit integers, the lowest byte first."""
    with open(path, "wb") as file:
        for places in (lines, numbers):
            if sys.byteorder == "big":
                places.byteswap()
            places.tofile(file)


def _state(hash_: str) -> dict[str, Any]:
    """What `datasets.load_from_disk` reads first."""
    return {
        "_data_files": [{"filename": _ARROW_FILE}],
        "_fingerprint": hash_[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }


def content_hash(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """SHA-256 of columns and rows, the same whatever kind of file they came from."""
    digest = hashlib.sha256(_line(list(columns)))
    for row in rows:
        digest.update(_line([row.get(column) for column in columns]))
    return digest.hexdigest()


def _line(values: Sequence[Any]) -> bytes:
    """A row as compact JSON; of texts alone the quick library writes the same bytes."""
    if all(value is None or type(value) is str for value in values):
        return _text_line(values)
    return _ENCODER.encode(values).encode() + b"\n"


_text_line: Callable[[Sequence[str | None]], bytes] = partial(
    orjson.dumps, option=orjson.OPT_APPEND_NEWLINE
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _restored(values: list[Any], kind: str) -> list[Any]:
    if kind == TEXT:
        return values
    return [None if value is None else json.loads(value) for value in values]


def _file_hash(folder: Path) -> str:
    with open(folder / _ARROW_FILE, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class StoredRows(Sequence[Row]):
    """The rows in a folder, read from disk a batch at a time, as often as asked for."""

    folder: Path
    kinds: dict[str, str]
    length: int
    hash: str

    def __reduce__(self) -> tuple[type[StoredRows], tuple[Any, ...]]:
        """To another process goes where the rows lie; it opens them itself."""
        return StoredRows, (self.folder, self.kinds, self.length, self.hash)

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Row]:
        """Each row as a dict with every column; values as the reader of the file gave them."""
        for batch in self.batches():
            for values in zip(*batch.values(), strict=True):
                yield dict(zip(self.kinds, values, strict=True))

    def batches(self) -> Iterator[dict[str, list[Any]]]:
        """Up to 1,000 rows at a time, as columns; only one batch is in memory."""
        import pyarrow

        # Read, not mapped: what is mapped counts as this process's memory, the whole file in the end.
        with (
            pyarrow.OSFile(str(self.folder / _ARROW_FILE)) as file,
            pyarrow.ipc.open_stream(file) as stream,
        ):
            for batch in stream:
                yield self._values(batch)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        """Rows by place, through the memory-mapped file."""
        chosen = range(self.length)[place]
        if isinstance(chosen, int):
            return self[chosen : chosen + 1][0]
        if chosen.step != 1:
            return [self[each] for each in chosen]
        columns = self._values(self._mapped.slice(chosen.start, len(chosen)))
        return [
            dict(zip(self.kinds, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]

    @cached_property
    def _mapped(self) -> pyarrow.Table:
        import pyarrow

        return pyarrow.ipc.open_stream(
            pyarrow.memory_map(str(self.folder / _ARROW_FILE))
        ).read_all()

    def _values(self, batch: Any) -> dict[str, list[Any]]:
        return {
            name: _restored(values.to_pylist(), kind)
            for (name, kind), values in zip(self.kinds.items(), batch.columns, strict=True)
        }

    def places(self) -> tuple[Sequence[int], Sequence[int]]:
        """Each row's line and number in the file it came from; counted from 1 where not kept."""
        path = self.folder / _PLACES_FILE
        try:
            found = array("q")
            with open(path, "rb") as file:
                found.fromfile(file, 2 * self.length)
        except (OSError, EOFError):
            plain = range(1, self.length + 1)
            return plain, plain
        if sys.byteorder == "big":
            found.byteswap()
        return found[: self.length], found[self.length :]


def open_stored(folder: Path, hash_: str, *, is_trusted: bool = False) -> StoredRows:
    """The folder's rows, once all of them have been read and their hash is the one asked for.

    `is_trusted` leaves out the reading of the rows; the file itself is compared with its record
    all the same. Raises DataProblem when the folder is missing, damaged or changed.
    """
    try:
        record = json.loads((folder / _RECORD_FILE).read_text("utf-8"))
        # First the bytes: pyarrow trusts a file's offsets, and wrong ones can end the process.
        if _file_hash(folder) != record["arrow_sha256"]:
            raise _changed(folder, hash_)
        rows = StoredRows(folder, record["columns"], _length(folder, record), hash_)
        found = record["hash"] if is_trusted else content_hash(list(rows.kinds), rows)
    except FileNotFoundError as error:
        raise DataProblem(
            f"The kept dataset {hash_[:12]} is not in {folder.parent} any more, or not whole. "
            "Choose its data file again.",
            code="dataset_missing",
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _changed(folder, hash_) from error
    if found != hash_:
        raise _changed(folder, hash_)
    return rows


def _length(folder: Path, record: dict[str, Any]) -> int:
    """How many rows there are; the first version's records do not say."""
    if "rows" in record:
        return int(record["rows"])
    import pyarrow

    with (
        pyarrow.OSFile(str(folder / _ARROW_FILE)) as file,
        pyarrow.ipc.open_stream(file) as stream,
    ):
        return sum(batch.num_rows for batch in stream)


def _changed(folder: Path, hash_: str) -> DataProblem:
    return DataProblem(
        f"The kept dataset {hash_[:12]} was changed on disk ({folder}): its rows are not those "
        "that were kept. Choose its data file again; it is then kept anew.",
        code="dataset_changed",
    )


@contextmanager
def spooled(source: Source, tmp: Path, progress: Progress | None = None) -> Iterator[Table]:
    """The source's table for a while: its rows lie in a folder of `tmp` that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="spooled-", dir=tmp) as folder:
        yield table_of(source, store(source, Path(folder), progress))


def table_of(source: Source, rows: StoredRows) -> Table:
    """The table of a source whose rows were stored."""
    lines, numbers = rows.places()
    return Table(
        source.path,
        source.format,
        tuple(rows.kinds),
        rows,
        lines,
        numbers,
        tuple(source.notes),
        source.parts,
        source.part,
    )
