"""DOCX: a Word document's paragraphs and headings, or its table where it is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.data.reading import archives, documents, grids
from studio.data.reading.documents import Block
from studio.data.reading.grids import Grid
from studio.data.table import Reader, Source
from studio.errors import DataProblem

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DOCUMENT = "word/document.xml"
_OLE = b"\xd0\xcf\x11\xe0"


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a document. Raises DataProblem, also for a locked file."""
    with open(path, "rb") as file:
        if file.read(4) == _OLE:
            raise DataProblem(
                f"{path.name} is protected by a password, or an old Word file. Save it as DOCX without "
                "a password and choose it again."
            )
    if _is_table(path):
        grid = Grid(lambda: ((row, cells) for row, cells in enumerate(_table_rows(path))))
        return grids.source_of(path, READER.name, grid)
    return documents.source_of(path, READER.name, lambda: _blocks(path))


def _is_table(path: Path) -> bool:
    """Whether the document is in the main one table: at least three rows, and little text beside."""
    rows = beside = 0
    widths = set()
    for _, element, depth in _parts(path):
        if element.tag == f"{_W}tr":
            rows += 1
            widths.add(len(_row(element)))
        elif depth == 0:
            beside += bool(_text(element))
    return rows >= 3 and max(widths) >= 2 and beside <= rows / 2


def _parts(path: Path) -> Iterator[tuple[int, Any, int]]:
    """Paragraphs and rows of tables in order: a number, the element, and how many tables it is in."""
    depth = number = 0
    with archives.opened(path) as archive:
        for event, element in archives.elements(path, archive, _DOCUMENT):
            if element.tag == f"{_W}tbl":
                depth += 1 if event == "start" else -1
            elif event == "end" and (element.tag, depth) in ((f"{_W}p", 0), (f"{_W}tr", 1)):
                number += 1
                yield number, element, depth
                element.clear()


def _blocks(path: Path) -> Iterator[Block]:
    for number, element, _ in _parts(path):
        if element.tag == f"{_W}tr":
            text = " | ".join(filter(None, _row(element)))
            if text:
                yield Block(text, number)
            continue
        text = _text(element)
        if text:
            yield Block(text, number, is_heading=_is_heading(element))


def _table_rows(path: Path) -> Iterator[list[str]]:
    for _, element, _ in _parts(path):
        if element.tag == f"{_W}tr":
            yield _row(element)


def _row(element: Any) -> list[str]:
    """The texts of a row's cells; one over several columns stands in the first of them."""
    cells: list[str] = []
    for cell in element.iter(f"{_W}tc"):
        paragraphs = filter(None, (_text(part) for part in cell.iter(f"{_W}p")))
        cells.append("\n".join(paragraphs))
        span = cell.find(f"{_W}tcPr/{_W}gridSpan")
        wide = span.get(f"{_W}val", "1") if span is not None else "1"
        cells.extend([""] * (min(int(wide), 100) - 1 if wide.isascii() and wide.isdigit() else 0))
    return cells


def _text(paragraph: Any) -> str:
    pieces = []
    for part in paragraph.iter():
        if part.tag == f"{_W}t":
            pieces.append(part.text or "")
        elif part.tag == f"{_W}tab":
            pieces.append("\t")
        elif part.tag in (f"{_W}br", f"{_W}cr"):
            pieces.append("\n")
    return "".join(pieces).strip()


def _is_heading(paragraph: Any) -> bool:
    """By the style's own name, which Word does not translate in its files but for the local ones."""
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = "" if style is None else str(style.get(f"{_W}val", "")).casefold()
    outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
    local = ("heading", "berschrift", "titre", "título", "titulo", "title", "encabezado")
    return outline is not None or any(word in name for word in local)


READER = Reader("docx", "Word: paragraphs, or a table", (".docx", ".docm"), open_file)
