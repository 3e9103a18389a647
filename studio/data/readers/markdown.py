"""Markdown: a text whose headings part it; headings that are questions make rows of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from studio.data.encoding import find_encoding
from studio.data.reading import documents
from studio.data.reading.documents import Block
from studio.data.table import Reader, Source

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
_FENCE = ("```", "~~~")
_FRONT = "---"


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a Markdown text. Raises DataProblem where it holds none."""
    encoding = find_encoding(path)

    def blocks() -> Iterator[Block]:
        with open(path, encoding=encoding.name) as file:
            yield from _blocks(file)

    source = documents.source_of(path, READER.name, blocks)
    if encoding.note:
        source.note(encoding.note)
    return source


def _blocks(lines: Iterator[str]) -> Iterator[Block]:
    """Paragraphs and headings; code between fences stays whole, facts at the file's head are left out."""
    held: list[str] = []
    begin, is_code, is_front = 0, False, False

    def paragraph() -> Iterator[Block]:
        for block in documents.paragraphs(held):
            yield Block(block.text, begin + block.line)
        held.clear()

    for number, line in enumerate(lines, start=1):
        plain = line.rstrip("\r\n")
        if (number == 1 and plain.strip() == _FRONT) or is_front:
            is_front = number == 1 or plain.strip() != _FRONT
            continue
        heading = None if is_code else _HEADING.match(plain)
        if heading or (not plain.strip() and not is_code) or len(held) > 1_000:
            yield from paragraph()
        if heading and not heading[1]:
            continue
        if heading:
            yield Block(heading[1], number, is_heading=True)
            continue
        if plain.strip() or is_code:
            begin = begin if held else number - 1
            held.append(plain)
        if plain.lstrip().startswith(_FENCE):
            is_code = not is_code
    yield from paragraph()


READER = Reader("markdown", "Markdown: text with headings", (".md", ".markdown", ".mdx"), open_file)
