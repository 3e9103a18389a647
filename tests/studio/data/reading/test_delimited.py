"""Separated text read by blocks is what Python's csv makes of it, row for row."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.readers import open_source
from studio.data.reading import delimited, regular
from studio.data.reading.delimited import CellRow, Layout, Run, returns_in
from studio.data.table import Record
from studio.errors import DataProblem
from tests.studio.data.files import fuzzed

Rows = list[tuple[int, int, list[str]]]
SIGNS = st.text(alphabet='ab"\n\r,; \u00e9\u2028\ufeff\t', max_size=120)
CELL = st.text(alphabet='ab"\n, \u00e9\ufeff', max_size=8)


def by_csv(path: Path, layout: Layout) -> Rows | str:
    """Every row with a text, read by Python's csv alone; the words where it cannot be."""
    found: Rows = []
    try:
        with open(path, encoding=layout.encoding, newline="") as file:
            for row in delimited.rows(path, file, layout):
                if "".join(row.cells).strip():
                    found.append((row.line, row.number, row.cells))
    except DataProblem as problem:
        return problem.words
    return found


def by_blocks(path: Path, layout: Layout, width: int) -> Rows | str:
    """The same through blocks."""
    found: Rows = []
    try:
        for run in delimited.runs(path, layout, 1, width):
            if isinstance(run, CellRow):
                if "".join(run.cells).strip():
                    found.append((run.line, run.number, run.cells))
                continue
            cells = zip(*(column.to_pylist() for column in run.columns), strict=True)
            for line, number, each in zip(run.lines, run.numbers, cells, strict=True):
                found.append((line, number, list(each)))
    except DataProblem as problem:
        return problem.words
    return found


def same(path: Path, content: bytes, codec: str, width: int, separator: str = ",") -> None:
    path.write_bytes(content)
    layout = Layout(codec, separator, 0, *returns_in(path))
    assert by_blocks(path, layout, width) == by_csv(path, layout)


@fuzzed
@given(
    content=SIGNS, codec=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]), width=st.integers(1, 3)
)
def test_any_text_read_by_blocks_is_what_csv_reads(
    tmp_path: Path, content: str, codec: str, width: int
) -> None:
    same(tmp_path / "rows.csv", content.encode(codec, "replace"), codec, width)


@fuzzed
@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=12),
    ending=st.sampled_from(["\n", "\r\n"]),
    separator=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_a_writer_wrote_is_read_by_blocks_alone(
    tmp_path: Path, rows: list[list[str]], ending: str, separator: str
) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator=ending).writerows(rows)
    path = tmp_path / "rows.csv"
    same(path, written.getvalue().encode(), "utf-8", 2, separator)
    if rows and not written.getvalue().startswith("\ufeff"):
        layout = Layout("utf-8", separator, 0, *returns_in(path))
        assert all(isinstance(run, Run) for run in delimited.runs(path, layout, 1, 2))


@pytest.mark.parametrize("seed", range(4))
def test_files_of_many_blocks_with_faults_in_between_are_read_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 200)
    choose = random.Random(seed)
    lines = []
    for number in range(3_000):
        usual = [f"{number},what,then", f'{number},"one\r\ntwo","say ""yes"""', f"{number},é,€"]
        odd = ["", " , ,", "a,b", '5" pipe,b,c', ",,", f'"{"long " * choose.randrange(900)}",b,c']
        lines.append(choose.choice(odd if choose.random() < 0.02 else usual))
    for codec in ("utf-8", "utf-8-sig", "cp1252"):
        same(tmp_path / "rows.csv", "\r\n".join(lines).encode(codec), codec, 3)
    same(tmp_path / "rows.csv", "\r\n".join([*lines, 'a,"b,c']).encode(), "utf-8", 3)


def test_lone_carriage_returns_are_left_to_csv(tmp_path: Path) -> None:
    same(tmp_path / "rows.csv", b'a,b\rc,"d\re"\r\nf,g\r', "utf-8", 2)
    assert returns_in(tmp_path / "rows.csv") == (True, True)


def test_a_table_read_as_pieces_is_the_table_read_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('a,b,\n1,"x\ny",\n\n2,z,\n,,\n3, ,\n\n', "utf-8")
    source = open_source(path)
    assert source.pieces is not None
    pieces = [
        Record(dict(zip(source.columns, cells, strict=True)), line, number)
        for piece in source.pieces()
        for *cells, line, number in zip(
            *(column.to_pylist() for column in piece.columns),
            piece.lines,
            piece.numbers,
            strict=True,
        )
    ]
    assert pieces == list(source.records())
    assert [(record.line, record.number) for record in pieces] == [(2, 2), (5, 4), (7, 6)]
    assert source.notes == ["2 blank rows were passed over."]


@settings(fuzzed)
@given(content=st.text(alphabet='a",\n', max_size=40))
def test_a_block_is_taken_only_where_csv_agrees_on_every_row(content: str) -> None:
    block = regular.whole_rows(content.encode(), b",")
    if block is None:
        return
    rows = list(csv.reader(io.StringIO(content[: block.bytes], newline=""), strict=True))
    assert len(rows) == len(block.starts)
    assert [bool(row) for row in rows] == block.is_filled.tolist()
