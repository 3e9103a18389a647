"""PDF: the text of its pages, by PDFium; pictures of text hold none."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.data.reading import documents
from studio.data.reading.documents import Block
from studio.data.table import Reader, Source
from studio.errors import DataProblem

# PDFium is not made for several threads at once.
_ALONE = threading.RLock()
# A hyphen at the end of a line, as it stands there or as PDFium marks it.
_HYPHEN = re.compile(r"(?<=\w)[-\u00ad]\r?\n(?=\w)|[\u0002\ufffe](?:\r?\n)?")
_MOST_PAGES = 20_000
# What stands at the edge of so many pages belongs to the paper, not to the text.
_EDGE_LINES = 2
_FEWEST_PAGES = 3
_MOST_OF_PAGES = 0.6
_PAGES_COMPARED = 60
_SHORT = 20
_NAMED = 4


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a PDF; `line` is the page. Raises DataProblem, also for a locked file or a scan."""
    running = _running(path)
    source = documents.source_of(path, READER.name, lambda: _blocks(path, running.keys()))
    if running:
        named = ", ".join(f"'{line}'" for line in list(running.values())[:_NAMED])
        source.note(f"Left out the lines that stand on most pages, at their top or foot: {named}.")
    return source


def _blocks(path: Path, running: Collection[str]) -> Iterator[Block]:
    """Paragraphs; one that goes on over the end of a line is put together again."""
    for number in range(_page_count(path)):
        lines = _page_lines(path, number)
        for place in _edges(lines):
            if _shape(lines[place]) in running:
                lines[place] = ""
        for block in documents.paragraphs(_whole_lines(lines)):
            yield Block(block.text, number + 1)


def _running(path: Path) -> dict[str, str]:
    """Lines at the top or foot of most pages, such as a title or the page's number: shape and an example."""
    pages = min(_page_count(path), _PAGES_COMPARED)
    found: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for number in range(pages):
        lines = _page_lines(path, number)
        shapes = {_shape(lines[place]): lines[place] for place in _edges(lines)}
        found.update(shapes.keys())
        examples = shapes | examples
    least = max(_FEWEST_PAGES, _MOST_OF_PAGES * pages)
    return {shape: examples[shape] for shape, count in found.items() if count >= least}


def _edges(lines: Sequence[str]) -> set[int]:
    """The places of the first and the last lines with something in them."""
    filled = [place for place, line in enumerate(lines) if line]
    return {*filled[:_EDGE_LINES], *filled[-_EDGE_LINES:]}


def _shape(line: str) -> str:
    """A line by which it is known on other pages: of a short one, as `Page 3 of 12`, the numbers differ."""
    plain = re.sub(r"\d+", "#", line.casefold())
    return plain if len(plain) <= _SHORT else line.casefold()


def _page_lines(path: Path, number: int) -> list[str]:
    text = _HYPHEN.sub("", _page_text(path, number)).replace("\r\n", "\n").replace("\0", "")
    return [line.strip() for line in text.split("\n")]


def _whole_lines(lines: Sequence[str]) -> Iterator[str]:
    """Lines, those that were only broken at the page's width put together; a blank one after each end."""
    width = max(map(len, lines), default=0)
    held = ""
    for line in lines:
        held = f"{held} {line}".strip()
        if len(line) < 0.75 * width or not line:
            yield held
            yield ""
            held = ""
    yield held


def _page_count(path: Path) -> int:
    with _document(path) as document:
        count = len(document)
    if count > _MOST_PAGES:
        raise DataProblem(f"{path.name} has {count:,} pages; split it into smaller files.")
    return count


def _page_text(path: Path, number: int) -> str:
    with _document(path) as document:
        page = document[number]
        try:
            text_page = page.get_textpage()
            try:
                return str(text_page.get_text_bounded())
            finally:
                text_page.close()
        finally:
            page.close()


@contextmanager
def _document(path: Path) -> Iterator[Any]:
    """The document, alone in this process. Raises DataProblem."""
    import pypdfium2

    with _ALONE:
        try:
            document = pypdfium2.PdfDocument(path)
            try:
                yield document
            finally:
                document.close()
        except pypdfium2.PdfiumError as error:
            if "assword" in str(error):
                raise DataProblem(
                    f"{path.name} is protected by a password. Save it without one (print it into a new "
                    "PDF) and choose it again."
                ) from error
            raise DataProblem(
                f"{path.name} could not be read as a PDF ({error}). It may be damaged or cut off; "
                "save or download it again."
            ) from error


READER = Reader("pdf", "PDF: the text of its pages", (".pdf",), open_file)
