"""TXT: plain text, as passages or as the questions and answers that it marks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studio.data.encoding import find_encoding
from studio.data.reading import documents
from studio.data.reading.documents import Block
from studio.data.table import Reader, Source


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a text. Raises DataProblem where it holds none."""
    encoding = find_encoding(path)

    def blocks() -> Iterator[Block]:
        with open(path, encoding=encoding.name) as file:
            yield from documents.paragraphs(file)

    source = documents.source_of(path, READER.name, blocks)
    if encoding.note:
        source.note(encoding.note)
    return source


READER = Reader(
    "txt", "Text: paragraphs with blank lines between them", (".txt", ".text"), open_file
)
