"""What a file may do to its reader: change while it is read, be huge in one cell, point elsewhere, nest."""

from __future__ import annotations

import json
import os
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from studio.data.readers import open_source, read
from studio.data.stored import content_hash, store
from studio.data.table import Source
from studio.errors import DataProblem
from tests.studio.data.files import refusal, words_for
from tests.studio.data.office import write_docx, write_xlsx
from tests.studio.data.readers.test_fuzz import LAYOUTS, WHOLE

MEGABYTE = 1 << 20
LONG = "word " * (10 * MEGABYTE)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that anybody tries to reach; none is reached."""
    asked: list[Any] = []

    def refused(self: Any, address: Any) -> None:
        asked.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: refused(None, address))
    return asked


def many_rows(path: Path) -> Path:
    lines = "".join(f"question {number},answer {number}\n" for number in range(60_000))
    path.write_text(f"prompt,response\n{lines}", "utf-8")
    return path


def added(path: Path) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("one more,row\n")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damaged(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size - 100)
        file.write(b'"\xff\xfe"')


@pytest.mark.parametrize("change", [added, cut, damaged])
@pytest.mark.parametrize("how", ["records", "pieces"])
def test_a_file_that_changes_while_it_is_read_is_refused_not_kept_in_part(
    tmp_path: Path, change: Any, how: str
) -> None:
    path = many_rows(tmp_path / "rows.csv")
    source = open_source(path)
    rows: Iterator[Any] = iter(getattr(source, how)())
    next(rows)
    change(path)
    words = refusal(lambda: list(rows))
    assert "rows.csv changed while it was read" in words


def test_a_file_that_goes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = many_rows(tmp_path / "rows.csv")
    rows = open_source(path).records()
    next(rows)
    path.unlink()
    assert "changed while it was read" in refusal(lambda: list(rows))


@pytest.mark.parametrize("name", WHOLE.values())
def test_a_file_of_any_kind_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes((LAYOUTS / name).read_bytes())
    rows = open_source(path).records()
    next(rows)
    with open(path, "ab") as file:
        file.write(b"\n")
    assert f"{name} changed while it was read" in refusal(lambda: list(rows))


def test_a_folder_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    for name in ("german.csv", "french.csv"):
        (tmp_path / name).write_bytes((LAYOUTS / "german.csv").read_bytes())
    rows = open_source(tmp_path).records()
    next(rows)
    (tmp_path / "third.csv").write_bytes((LAYOUTS / "german.csv").read_bytes())
    assert "changed while it was read" in refusal(lambda: list(rows))


def one_large_cell(folder: Path, kind: str) -> Path:
    path = folder / f"rows.{kind}"
    row = {"prompt": "Say it", "response": LONG}
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    elif kind == "csv":
        path.write_text(f'prompt,response\nSay it,"{LONG}"\n', "utf-8")
    elif kind == "jsonl":
        path.write_text(json.dumps(row), "utf-8")
    else:
        path.write_text(json.dumps([row]), "utf-8")
    return path


@pytest.mark.parametrize(
    "kind",
    ["csv", *(pytest.param(each, marks=pytest.mark.long) for each in ("jsonl", "json", "parquet"))],
)
def test_a_cell_of_fifty_megabytes_is_read_and_kept_whole(tmp_path: Path, kind: str) -> None:
    source: Source = open_source(one_large_cell(tmp_path, kind))
    (tmp_path / "kept").mkdir()
    rows = store(source, tmp_path / "kept")
    assert len(rows) == 1
    assert rows[0] == {"prompt": "Say it", "response": LONG}
    assert rows.hash == content_hash(["prompt", "response"], iter(rows))


def test_links_to_elsewhere_are_never_followed(tmp_path: Path, no_network: list[Any]) -> None:
    book = write_xlsx(
        tmp_path / "rows.xlsx",
        {"Mails": [["q", "a"], ['=WEBSERVICE("http://example.test/")', "='[2]Other'!A1"]]},
    )
    with zipfile.ZipFile(book, "a") as archive:
        archive.writestr(
            "xl/externalLinks/_rels/externalLink1.xml.rels",
            '<Relationships><Relationship Id="rId1" TargetMode="External" '
            'Target="http://example.test/book.xlsx"/></Relationships>',
        )
    assert read(book).rows[0] == {"q": "kept", "a": "kept"}
    prolog = '<!DOCTYPE d [<!ENTITY more SYSTEM "http://example.test/more">]>'
    outside = write_docx(tmp_path / "letter.docx", ["A text."], prolog)
    assert "letter.docx" in refusal(lambda: read(outside))
    page = tmp_path / "page.html"
    page.write_text(
        '<html><head><link rel="stylesheet" href="http://example.test/a.css"></head><body>'
        '<img src="http://example.test/b.png"><iframe src="http://example.test/c"></iframe>'
        "<p>This is the only text of the page.</p></body></html>"
    )
    assert "only text" in str(list(read(page).rows))
    notes = tmp_path / "notes.md"
    notes.write_text("# About\n\nSee ![it](http://example.test/d.png).\n")
    read(notes)
    assert no_network == []


def test_macros_are_not_looked_at(tmp_path: Path, no_network: list[Any]) -> None:
    book = write_xlsx(tmp_path / "rows.xlsm", {"Mails": [["q", "a"], ["Where?", "Here"]]})
    with zipfile.ZipFile(book, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 Sub Auto_Open()")
    assert list(read(book).rows) == [{"q": "Where?", "a": "Here"}]


@pytest.mark.parametrize("kind", ["json", "jsonl"])
@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deeply_nested_json_is_a_table_or_refused_in_words(
    tmp_path: Path, kind: str, depth: int
) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        nested = f"{opening * depth}1{closing * depth}"
        row = f'{{"prompt": "What?", "response": {nested}}}'
        path = tmp_path / f"rows.{kind}"
        path.write_text(f"[{row}]" if kind == "json" else f"{row}\n")
        try:
            said = [str(row["prompt"]) for row in read(path).rows]
        except DataProblem as problem:
            said = [problem.words]
        assert said == ["What?"] or path.name in said[0]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet", "xlsx"])
def test_ten_thousand_columns_are_refused_by_every_kind_of_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"rows.{kind}"
    names = [f"c{number}" for number in range(10_000)]
    row = dict.fromkeys(names, "x")
    if kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    elif kind == "xlsx":
        write_xlsx(path, {"Mails": [names, ["x"] * 10_000]})
    elif kind == "csv":
        path.write_text(f"{','.join(names)}\n{','.join('x' for _ in names)}\n")
    else:
        path.write_text(json.dumps([row]) if kind == "json" else json.dumps(row))
    assert "1,000" in refusal(lambda: read(path))


@pytest.mark.parametrize(
    "content", ['{"prompt": "\\ud800", "response": "a"}\n', "prompt,a\n\x00,b\n"]
)
def test_lone_surrogates_and_zero_bytes_are_refused_by_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / ("rows.jsonl" if content.startswith("{") else "rows.csv")
    assert "line" in words_for(path, content)
