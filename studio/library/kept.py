"""A kept dataset on disk: an Arrow folder that `datasets` opens, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.durable import write_json
from studio.data.table import Row
from studio.errors import DataProblem

if TYPE_CHECKING:
    import pyarrow

_ARROW_FILE = "data-00000-of-00001.arrow"
_RECORD_FILE = "whetstone.json"
_BATCH_ROWS = 1_000

TEXT, JSON = "text", "json"
"""How a column is stored: as its texts, or each value as JSON text (numbers, lists, objects)."""


def content_hash(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """SHA-256 of columns and rows, the same whatever kind of file they came from."""
    digest = hashlib.sha256(_line(list(columns)))
    for row in rows:
        digest.update(_line([row.get(column) for column in columns]))
    return digest.hexdigest()


def _line(values: list[Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def write(folder: Path, columns: Sequence[str], rows: Sequence[Row], hash_: str) -> None:
    """Fill an empty folder with the rows, a batch at a time, and what `datasets` wants."""
    import pyarrow

    kinds = {column: _kind(row.get(column) for row in rows) for column in columns}
    # 64-bit offsets: a batch of long texts may pass 2 GB.
    schema = pyarrow.schema([(column, pyarrow.large_string()) for column in columns])
    # A file of Python's: a full disk is then an OSError with its number, not an Arrow error.
    with (
        open(folder / _ARROW_FILE, "wb") as file,
        pyarrow.ipc.new_stream(file, schema) as stream,
    ):
        for batch in _batches(rows):
            arrays = [
                pyarrow.array([_stored(row.get(column), kind) for row in batch], field.type)
                for (column, kind), field in zip(kinds.items(), schema, strict=True)
            ]
            stream.write_batch(pyarrow.record_batch(arrays, schema=schema))
    features = {column: {"dtype": "large_string", "_type": "Value"} for column in columns}
    write_json(folder / "dataset_info.json", {"features": features})
    write_json(folder / "state.json", _state(hash_))
    record = {"version": 1, "hash": hash_, "columns": kinds, "arrow_sha256": _file_hash(folder)}
    write_json(folder / _RECORD_FILE, record)


def _file_hash(folder: Path) -> str:
    with open(folder / _ARROW_FILE, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _kind(values: Iterable[Any]) -> str:
    return TEXT if all(value is None or isinstance(value, str) for value in values) else JSON


def _stored(value: Any, kind: str) -> str | None:
    if value is None:
        return None
    return str(value) if kind == TEXT else json.dumps(value, ensure_ascii=False)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH_ROWS)):
        yield batch


@dataclass(frozen=True)
class KeptRows:
    """The rows of a kept dataset, read from disk a batch at a time, as often as asked for."""

    folder: Path
    kinds: dict[str, str]
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        """Each row as a dict with every column; values as the reader of the file gave them."""
        for batch in _arrow_batches(self.folder):
            cells = [
                _restored(values.to_pylist(), kind)
                for values, kind in zip(batch.columns, self.kinds.values(), strict=True)
            ]
            for values in zip(*cells, strict=True):
                yield dict(zip(self.kinds, values, strict=True))


def _restored(values: list[Any], kind: str) -> list[Any]:
    if kind == TEXT:
        return values
    return [None if value is None else json.loads(value) for value in values]


def _arrow_batches(folder: Path) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow

    with (
        pyarrow.memory_map(str(folder / _ARROW_FILE)) as file,
        pyarrow.ipc.open_stream(file) as stream,
    ):
        yield from stream


def open_rows(folder: Path, hash_: str) -> KeptRows:
    """The folder's rows, once all of them have been read and their hash is the one asked for.

    Raises DataProblem when the folder is missing, damaged or changed.
    """
    try:
        record = json.loads((folder / _RECORD_FILE).read_text("utf-8"))
        # First the bytes: pyarrow trusts a file's offsets, and wrong ones can end the process.
        if _file_hash(folder) != record["arrow_sha256"]:
            raise _changed(folder, hash_)
        count = sum(batch.num_rows for batch in _arrow_batches(folder))
        rows = KeptRows(folder, record["columns"], count)
        found = content_hash(list(rows.kinds), rows)
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


def _changed(folder: Path, hash_: str) -> DataProblem:
    return DataProblem(
        f"The kept dataset {hash_[:12]} was changed on disk ({folder}): its rows are not those "
        "that were kept. Choose its data file again; it is then kept anew.",
        code="dataset_changed",
    )
