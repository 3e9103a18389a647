"""What kind of data file the first bytes show, whatever the name says."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from pathlib import Path

_SAMPLE_BYTES = 65_536
_OLE = b"\xd0\xcf\x11\xe0"
_WORD = {".doc", ".docx", ".docm", ".dot"}
_BINARY = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"))
_INSIDE = (
    ("xl/", "xlsx"),
    ("word/", "docx"),
)
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_PAGE = (b"<!doctype html", b"<html", b"<table", b"<meta")
_TEXT_ENDINGS = {"", ".txt", ".text", ".csv", ".tsv", ".tab", ".json", ".jsonl", ".log", ".dat"}
_TAB_LINES = 20
_BROKEN = (ValueError, LookupError, NotImplementedError, EOFError)


def kind_of(path: Path) -> str | None:
    """The name of the reader for what the file holds; None where its ending must tell.

    Raises OSError.
    """
    with open(path, "rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    if sample.startswith(_OLE):
        # Old Office files, and new ones that are locked.
        return "docx" if path.suffix.lower() in _WORD else "xls"
    for beginning, name in _BINARY:
        if sample.startswith(beginning):
            return name
    if sample.startswith(b"PK\x03\x04"):
        return _archive(path)
    if b"%PDF-" in sample[:1024]:
        return "pdf"
    return _text(path.suffix.lower(), sample)


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            is_ods = "mimetype" in names and _ODS in archive.read("mimetype")[:200]
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, RuntimeError, *_BROKEN):
        # Damaged: the name is as good a guess as any; the reader says what is wrong.
        return {".xlsx": "xlsx", ".docx": "docx", ".ods": "ods"}.get(path.suffix.lower(), "zip")
    if is_ods:
        return "ods"
    for beginning, name in _INSIDE:
        if any(entry.startswith(beginning) for entry in names):
            return name
    return "zip"


def _text(ending: str, sample: bytes) -> str | None:
    plain = sample.lstrip(b"\xef\xbb\xbf \t\r\n")
    if plain[:20].lower().startswith(_PAGE):
        return "html"
    if ending in (".xls", ".xlsx", ".ods") and b"\0" not in sample:
        return "csv"  # some programs give a table of text that name
    if ending not in _TEXT_ENDINGS:
        return None
    if ending not in (".json", ".jsonl") and _is_json(plain):
        return "json" if plain.startswith(b"[") else "jsonl"
    if ending in (".txt", ".text", ".dat", "") and _is_tabbed(sample):
        return "csv"
    return None


def _is_json(plain: bytes) -> bool:
    """Whether the file begins with an object, in a list or on a line of its own."""
    if plain.startswith(b"["):
        return plain[1:].lstrip().startswith(b"{")
    if not plain.startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(plain.partition(b"\n")[0]), dict)
    except (ValueError, RecursionError):
        return False


def _is_tabbed(sample: bytes) -> bool:
    """Whether the first lines have the same number of tabs."""
    lines = [line for line in sample.split(b"\n")[:_TAB_LINES] if line.strip()]
    counts = {line.count(b"\t") for line in lines}
    return len(lines) > 2 and len(counts) == 1 and counts != {0}
