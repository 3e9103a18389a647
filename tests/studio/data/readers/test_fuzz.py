"""Every reader on damaged files of its kind: a table that agrees with itself, or a refusal in words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data.readers import READERS
from tests.studio.data.files import damaged, fuzzed, read_or_refuse

LAYOUTS = Path(__file__).parents[3] / "data" / "layouts"
WHOLE = {
    "arrow": "pairs.arrow",
    "csv": "german.csv",
    "docx": "faq.docx",
    "html": "table.html",
    "json": "alpaca.json",
    "jsonl": "messages_tools.jsonl",
    "markdown": "faq.md",
    "ods": "workbook.ods",
    "parquet": "pairs.parquet",
    "pdf": "document.pdf",
    "txt": "faq.txt",
    "xls": "workbook.xls",
    "xlsx": "merged_header.xlsx",
    "zip": "documents.zip",
}
# Office files are archives of XML: what is damaged outside mostly shows in a checksum only.
INSIDE = ("docx", "ods", "xlsx")
long_fuzzed = settings(
    fuzzed, max_examples=10_000, suppress_health_check=list(HealthCheck), deadline=None
)

Fuzz = Callable[..., None]


@cache
def whole(name: str) -> bytes:
    """A file that its reader reads."""
    return (LAYOUTS / WHOLE[name]).read_bytes()


def broken(name: str) -> st.SearchStrategy[bytes]:
    """The file with a few bytes changed, cut off anywhere, or with damaged XML inside."""
    content = whole(name)
    ways = [damaged(content), st.integers(0, len(content)).map(lambda end: content[:end])]
    if name in INSIDE:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {entry: archive.read(entry) for entry in archive.namelist()}
        ways += [
            damaged(inner).map(lambda bad, entry=entry: repacked({**entries, entry: bad}))
            for entry, inner in entries.items()
            if inner
        ]
    return st.one_of(ways)


def repacked(entries: dict[str, bytes]) -> bytes:
    """An archive of these entries."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def fuzz(name: str, folder: Path, how: settings) -> None:
    """Read many damaged files of one kind."""

    @how
    @given(content=broken(name))
    def reads_or_refuses(content: bytes) -> None:
        read_or_refuse(folder / WHOLE[name], content)

    reads_or_refuses()


def test_every_reader_of_files_has_a_file_to_damage() -> None:
    assert set(WHOLE) == set(READERS) - {"folder"}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.some(7)
def test_a_damaged_file_is_a_table_or_refused_in_words(name: str, tmp_path: Path) -> None:
    fuzz(name, tmp_path, fuzzed)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", WHOLE)
def test_ten_thousand_damaged_files_are_tables_or_refused(name: str, tmp_path: Path) -> None:
    fuzz(name, tmp_path, long_fuzzed)
