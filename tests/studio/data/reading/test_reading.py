"""What readers share: the kind that a file's first bytes show, and texts of cells."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from studio.data.reading.arrow import plain
from studio.data.reading.grids import as_text, letters
from studio.data.reading.signature import kind_of


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"q,a\n1,2\n", None),
        ("a.csv", b"PAR1....", "parquet"),
        ("a.csv", b"ARROW1\0\0", "arrow"),
        ("a.doc", b"\xd0\xcf\x11\xe0", "docx"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0", "xls"),
        ("a.txt", b"\n%PDF-1.4", "pdf"),
        ("a.csv", b"\xef\xbb\xbf <!DOCTYPE HTML>", "html"),
        ("a.csv", b'[\n {"a": 1}]', "json"),
        ("a.txt", b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.txt", b"{not json}\n", None),
        ("a.xls", b"q\ta\n1\t2\n", "csv"),
        ("a.txt", b"q\ta\n1\t2\n3\t4\n", "csv"),
        ("a.txt", b"a\tb\nno tab here\n\n", None),
        ("a.zip", b"PK\x03\x04damaged", "zip"),
        ("a.xlsx", b"PK\x03\x04damaged", "xlsx"),
    ],
)
def test_the_kind_is_what_the_file_holds(
    tmp_path: Path, name: str, content: bytes, expected: str | None
) -> None:
    (tmp_path / name).write_bytes(content)
    assert kind_of(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (" a\r\nb ", "a\nb"),
        (5.0, "5"),
        (0.1, "0.1"),
        (float("nan"), ""),
        (True, "true"),
        (None, ""),
        (datetime.date(2026, 11, 22), "2026-11-22"),
        (datetime.datetime(2026, 11, 22), "2026-11-22"),
        (datetime.datetime(2026, 11, 22, 9, 5), "2026-11-22 09:05:00"),
    ],
)
def test_a_cell_is_the_text_that_a_csv_would_hold(cell: Any, expected: str) -> None:
    assert as_text(cell) == expected


def test_columns_have_the_letters_of_a_spreadsheet() -> None:
    assert [letters(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_values_become_what_json_has() -> None:
    value = {"at": datetime.date(2026, 1, 2), "n": [float("inf"), 1.5], "b": b"x"}
    assert plain(value) == {"at": "2026-01-02", "n": [None, 1.5], "b": None}
