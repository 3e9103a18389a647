"""Finding a reader, and the files that none can read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.data.readers import READERS, endings, read
from studio.errors import DataProblem


def words_for(path: Path) -> str:
    with pytest.raises(DataProblem) as caught:
        read(path)
    return caught.value.words


def test_every_reader_is_found_by_its_endings() -> None:
    assert {"csv", "json", "jsonl"} <= set(READERS)
    assert len(set(endings())) == len(endings())
    assert all(ending == ending.lower() and ending.startswith(".") for ending in endings())


def test_an_ending_in_capitals_is_the_same_ending(tmp_path: Path) -> None:
    path = tmp_path / "ROWS.CSV"
    path.write_text("question,answer\na,b\n")
    assert read(path).format == "csv"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "There is no file" in words_for(tmp_path / "gone.csv")


@pytest.mark.parametrize("ending", endings())
def test_nothing_at_all_is_named_whatever_the_ending(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"rows{ending}").touch()
    assert f"rows{ending} is empty (0 bytes)" in words_for(tmp_path / f"rows{ending}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_ordinary_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert "not an ordinary file" in words_for(tmp_path / "pipe.csv")


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "a\0b.csv"])
def test_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    assert words_for(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rows.odt", "This is a LibreOffice text. Save it as DOCX"),
        ("rows.xyz", "files ending in '.xyz' cannot be read"),
        ("rows", "files without an ending cannot be read"),
    ],
)
def test_an_unknown_ending_is_told_what_to_do(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / name).write_text("question,answer\na,b\n")
    assert expected in words_for(tmp_path / name)


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "could not be read as a workbook"),
        (b"%PDF-1.7\n\xe2\xe3", "could not be read as a PDF"),
        (b"PAR1\x15\x04", "may be damaged or cut off"),
        (b"\x1f\x8b\x08\x00", "compressed (gzip)"),
        (b"\x89PNG\r\n\x1a\n\0", "looks like a picture"),
        (b"<!DOCTYPE html>\n<table>", "holds no text that can be read"),
        (b"question,answer\na\0,b\n", "line 2: there is a zero byte"),
        ("question,answer\na,b\n".encode("utf-16-le"), "UTF-16 without its mark"),
        (b"\x01\x02\x03\x04\x05\x06", "does not hold text"),
        (b"caf\xc3\xa9,b\nx,\xff\n", "line 2: some bytes are no letters in UTF-8"),
        (b"question,answer\nx,\x81\n", "no letters in UTF-8 or Windows-1252"),
        (b"\xff\xfea\0b\0\x00\xd8", "says that it is UTF-16 text, but this is not"),
    ],
)
def test_a_file_that_is_no_text_is_told_what_it_looks_like(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert expected in words_for(tmp_path / name)
