"""JSON: one list of objects; a file of lines with this ending is read as well."""

from __future__ import annotations

from pathlib import Path

from studio.data.json_values import source_of
from studio.data.table import Reader, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a JSON file; nested values stay. Raises DataProblem naming the line."""
    return source_of(path, READER.name)


READER = Reader("json", "JSON: a list of objects", (".json",), open_file)
