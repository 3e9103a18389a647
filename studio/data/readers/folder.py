"""A folder: all data files below it that belong together, or a data set as Hugging Face keeps it."""

from __future__ import annotations

from pathlib import Path

from studio.data.reading import collections
from studio.data.table import Reader, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of the folder's files. Raises DataProblem where none can be read."""
    # The registry finds this module; it cannot be imported before the registry is whole.
    from studio.data.readers import open_source

    return collections.source_of(path, path, READER.name, open_source, part)


READER = Reader(
    "folder", "Folder: tables or documents, or a data set of Hugging Face", (), open_file
)
