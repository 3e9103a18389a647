"""Arrow and Feather: a table as Arrow's own file, or as the stream that `datasets` keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.data.reading import arrow
from studio.data.table import Reader, Source

_FILE = b"ARROW1"


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of an Arrow file; nested values stay. Raises DataProblem."""

    def batches() -> Iterator[Any]:
        with _opened(path) as (_, found):
            yield from found

    with arrow.in_words(path), _opened(path) as (schema, _):
        return arrow.source_of(path, READER.name, schema, batches)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Iterator[Any]]]:
    """Schema and batches of either kind of file."""
    import pyarrow

    with pyarrow.OSFile(str(path)) as file:
        begins = file.read(len(_FILE))
        file.seek(0)
        if begins == _FILE:
            with pyarrow.ipc.open_file(file) as table:
                count = table.num_record_batches
                yield table.schema, (table.get_batch(each) for each in range(count))
        else:
            with pyarrow.ipc.open_stream(file) as stream:
                yield stream.schema, iter(stream)


READER = Reader("arrow", "Arrow or Feather: a table", (".arrow", ".feather"), open_file)
