"""Parquet: a table as data sets are shared, read a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.data.reading import arrow
from studio.data.table import Reader, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a Parquet file; nested values stay. Raises DataProblem."""
    from pyarrow import parquet

    def batches() -> Iterator[Any]:
        with parquet.ParquetFile(path) as file:
            yield from file.iter_batches(arrow.BATCH_ROWS)

    with arrow.in_words(path), parquet.ParquetFile(path) as file:
        return arrow.source_of(path, READER.name, file.schema_arrow, batches)


READER = Reader("parquet", "Parquet: a table", (".parquet",), open_file)
