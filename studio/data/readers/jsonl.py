"""JSONL: one JSON object a line."""

from __future__ import annotations

from pathlib import Path

from studio.data.json_values import source_of
from studio.data.table import Reader, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a JSONL file; nested values stay. Raises DataProblem naming the line."""
    return source_of(path, READER.name)


READER = Reader("jsonl", "JSONL: one object a line", (".jsonl", ".ndjson"), open_file)
