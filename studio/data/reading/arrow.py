"""Arrow's batches as rows: values as JSON has them, labels by their names."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.data.table import MAX_COLUMNS, Record, Source
from studio.errors import DataProblem

if TYPE_CHECKING:
    import pyarrow

BATCH_ROWS = 1_000

Batches = Callable[[], Iterator["pyarrow.RecordBatch"]]


def source_of(path: Path, format_name: str, schema: pyarrow.Schema, batches: Batches) -> Source:
    """The rows of Arrow batches of one schema. Raises DataProblem for too many columns."""
    if len(schema.names) > MAX_COLUMNS:
        raise DataProblem(
            f"{path.name}: {len(schema.names):,} columns are more than the {MAX_COLUMNS:,} that can be "
            "read. Keep the columns that are needed."
        )
    if len(set(schema.names)) < len(schema.names):
        raise DataProblem(f"{path.name}: two columns have the same name. Rename one.")
    columns = tuple(name for name in schema.names if not _is_binary(schema.field(name).type))
    source = Source(
        path, format_name, lambda: _records(path, columns, label_names(schema), batches), columns
    )
    left_out = [name for name in schema.names if name not in columns]
    if left_out:
        named = ", ".join(f"'{name}'" for name in left_out)
        source.note(f"Left out, since they hold no text (pictures, sounds, bytes): {named}.")
    return source


def _is_binary(kind: Any) -> bool:
    import pyarrow

    types = pyarrow.types
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return True
    # What Hugging Face's libraries make of a picture or a sound.
    return types.is_struct(kind) and {kind.field(i).name for i in range(kind.num_fields)} == {
        "bytes",
        "path",
    }


def label_names(schema: pyarrow.Schema) -> dict[str, list[str]]:
    """The names of numbered labels, where the schema keeps them as `datasets` writes them."""
    try:
        kept = json.loads((schema.metadata or {})[b"huggingface"])
        return names_of(kept["info"]["features"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}


def names_of(features: Any) -> dict[str, list[str]]:
    """Column to label names, from the features of a dataset's card or schema."""
    found = {}
    for name, feature in features.items() if isinstance(features, Mapping) else ():
        names = feature.get("names") if isinstance(feature, Mapping) else None
        if isinstance(names, list) and feature.get("_type") == "ClassLabel":
            found[str(name)] = [str(each) for each in names]
    return found


def _records(
    path: Path, columns: Sequence[str], names: Mapping[str, Sequence[str]], batches: Batches
) -> Iterator[Record]:
    number = 0
    with in_words(path):
        for batch in batches():
            batch.validate(full=True)
            values = [_values(batch.column(name), names.get(name)) for name in columns]
            for cells in zip(*values, strict=True):
                number += 1
                yield Record(dict(zip(columns, cells, strict=True)), number, number)
    if not number:
        raise DataProblem(f"{path.name} holds no rows. Choose another file.")


def _values(column: Any, names: Sequence[str] | None) -> list[Any]:
    values = [plain(value) for value in column.to_pylist()]
    if not names:
        return values
    return [
        names[value] if isinstance(value, int) and 0 <= value < len(names) else value
        for value in values
    ]


def plain(value: Any) -> Any:
    """A value as JSON has it: dates and decimals as text, what is not a number as nothing."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """What Arrow raises, in words."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:140]
        raise DataProblem(
            f"{path.name} could not be read ({reason}). It may be damaged or cut off; save or download "
            "it again."
        ) from error
