"""HTML: a page's text, or its table where it is one; nothing is fetched, no script is run."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from studio.data.encoding import find_encoding
from studio.data.reading import documents, grids
from studio.data.reading.documents import Block
from studio.data.reading.grids import Grid
from studio.data.table import Reader, Source

_PIECE_CHARACTERS = 1 << 16
_HIDDEN = {"script", "style", "noscript", "template", "svg", "head", "nav", "select", "iframe"}
_BREAKS = {
    *("p", "div", "li", "ul", "ol", "br", "hr", "section", "article", "header", "footer", "main"),
    *(
        "blockquote",
        "pre",
        "figure",
        "figcaption",
        "dl",
        "dt",
        "dd",
        "table",
        "tr",
        "form",
        "summary",
    ),
    *("details", "aside", "body", "html"),
}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary"}
_CELLS = {"td", "th"}
# A page's own word for its letters, where the file itself has no mark.
_MOST_CELLS = 1_000


class _Page(HTMLParser):
    """Collects blocks of text and rows of cells, each with its line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.rows: list[tuple[int, list[str]]] = []
        self._pieces: list[str] = []
        self._hidden = 0
        self._heading = ""
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._line = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        if tag in _BREAKS or tag in _HEADINGS:
            self._end_block()
        if tag in _HEADINGS:
            self._heading = tag
        if tag == "tr":
            self._row = []
        if tag in _CELLS and self._row is not None and len(self._row) < _MOST_CELLS:
            self._cell = []
        if tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        if tag in _CELLS and self._row is not None and self._cell is not None:
            lines = (" ".join(line.split()) for line in "".join(self._cell).split("\n"))
            self._row.append("\n".join(lines).strip())
            self._cell = None
        if tag == "tr" and self._row is not None:
            if self._row:
                self.rows.append((self.getpos()[0], self._row))
                if any(self._row):
                    self.blocks.append(Block(" | ".join(filter(None, self._row)), self.getpos()[0]))
            self._row = None
        if tag in _BREAKS or tag in _HEADINGS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._cell is not None:
            self._cell.append(data)
        elif self._row is None:
            if not self._pieces:
                self._line = self.getpos()[0]
            self._pieces.append(data)

    def close(self) -> None:
        super().close()
        self._end_block()

    def _end_block(self) -> None:
        text = " ".join("".join(self._pieces).split())
        if text:
            self.blocks.append(Block(text, self._line, is_heading=bool(self._heading)))
        self._pieces.clear()
        self._heading = ""


def open_file(path: Path, part: str | None = None) -> Source:
    """The rows of a page. Raises DataProblem where it holds no text."""
    encoding = find_encoding(path)
    page = _parsed(path, encoding.name)
    wide = [row for _, row in page.rows if len(row) > 1]
    beside = len(page.blocks) - sum(any(row) for _, row in page.rows)
    if len(wide) >= 3 and beside <= len(wide):
        grid = Grid(lambda: _numbered(_parsed(path, encoding.name)))
        source = grids.source_of(path, READER.name, grid)
    else:
        source = documents.source_of(
            path, READER.name, lambda: iter(_parsed(path, encoding.name).blocks)
        )
    if encoding.note:
        source.note(encoding.note)
    return source


def _parsed(path: Path, encoding: str) -> _Page:
    page = _Page()
    with open(path, encoding=encoding) as file:
        while piece := file.read(_PIECE_CHARACTERS):
            page.feed(piece)
    page.close()
    return page


def _numbered(page: _Page) -> Iterator[tuple[int, list[str]]]:
    yield from ((place, row) for place, (_, row) in enumerate(page.rows))


READER = Reader("html", "Web page: text, or a table", (".html", ".htm", ".xhtml"), open_file)
