"""Which characters a text file's bytes stand for, and what a file is that holds no text."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from studio.errors import DataProblem

_SAMPLE_BYTES = 65_536
_PIECE_BYTES = 1 << 20
_MAX_CONTROL_SHARE = 0.01
_CONTROL = bytes(set(range(0x20)) - set(b"\t\n\r\f\v\x1a\x1b"))

# The longer mark first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)

_BEGINNINGS = (
    (b"{\\rtf", "looks like a rich text (RTF) document. Save it as DOCX."),
    (b"SQLite format 3", "looks like a SQLite database. Export the table as CSV."),
    (b"\x1f\x8b", "looks like a compressed (gzip) file. Unpack it first."),
    (b"7z\xbc\xaf", "looks like a compressed (7z) file. Unpack it first."),
    (b"BZh", "looks like a compressed (bzip2) file. Unpack it first."),
    (b"\x89PNG", "looks like a picture. Choose the table or text itself."),
    (b"\xff\xd8\xff", "looks like a picture. Choose the table or text itself."),
    (b"GIF8", "looks like a picture. Choose the table or text itself."),
)


@dataclass(frozen=True)
class Encoding:
    """How to open a text file: `name` is Python's codec; `note`, if any, is for a person."""

    name: str
    note: str | None = None


def find_encoding(path: Path) -> Encoding:
    """UTF-8, or what the file's mark says, or Windows-1252 with a note.

    Raises DataProblem when the bytes are no text, saying what they look like.
    """
    with open(path, "rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    for mark, codec, title in _MARKS:
        if sample.startswith(mark):
            return _marked(path, codec, title)
    _refuse_other_kinds(path, sample)
    return _scanned(path)


def _marked(path: Path, codec: str, title: str) -> Encoding:
    """The encoding that the file's first bytes name, once the whole file has been tried."""
    line = 1
    try:
        with open(path, encoding=codec, newline="\n") as file:
            for _ in file:
                line += 1
    except UnicodeError as error:
        raise DataProblem(
            f"{path.name}, line {line}: the file says that it is {title} text, but this is not. "
            "It may have been cut off; save it again as CSV UTF-8."
        ) from error
    return Encoding(codec, None if title == "UTF-8" else f"The file was read as {title} text.")


def _scanned(path: Path) -> Encoding:
    """UTF-8 or Windows-1252, decided by the bytes of the whole file, a line at a time where need be."""
    if _is_utf8(path):
        return Encoding("utf-8")
    has_utf8_letters = False
    broken_line: int | None = None
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if b"\0" in line:
                raise DataProblem(_nul_words(path, number))
            if broken_line is None and not line.isascii():
                if _decodes(line, "utf-8"):
                    has_utf8_letters = True
                else:
                    broken_line = number
            if broken_line is not None and (has_utf8_letters or not _decodes(line, "cp1252")):
                where = broken_line if has_utf8_letters else number
                raise DataProblem(
                    f"{path.name}, line {where}: some bytes are no letters in UTF-8"
                    f"{'' if has_utf8_letters else ' or Windows-1252'}. "
                    "Save the file again as CSV UTF-8, or mend that line."
                )
    if broken_line is None:
        return Encoding("utf-8")
    return Encoding(
        "cp1252",
        f"The file is not UTF-8 (line {broken_line}); it was read as Windows-1252. Look whether "
        "letters such as ä or é are right; if not, save it again as CSV UTF-8.",
    )


def _is_utf8(path: Path) -> bool:
    """Whether a file is UTF-8 without zero bytes from end to end, which most are; says not where not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE_BYTES):
                if b"\0" in piece:
                    return False
                # Nothing is left over of a piece of plain signs: it need not be decoded.
                if not (piece.isascii() and not decoder.getstate()[0]):
                    decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _decodes(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _nul_words(path: Path, line: int) -> str:
    return (
        f"{path.name}, line {line}: there is a zero byte, so this is not plain text. It may be a "
        "program's own file, or UTF-16 without its mark. Save it as CSV UTF-8."
    )


def _refuse_other_kinds(path: Path, sample: bytes) -> None:
    for beginning, words in _BEGINNINGS:
        if sample.startswith(beginning):
            raise DataProblem(f"{path.name} {words}")
    controls = len(sample) - len(sample.translate(None, _CONTROL))
    if b"\0" not in sample and controls > _MAX_CONTROL_SHARE * len(sample):
        raise DataProblem(
            f"{path.name} does not hold text. Choose a text file: CSV or JSONL, saved as UTF-8."
        )
