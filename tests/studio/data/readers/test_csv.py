"""The CSV reader: what it finds out by itself, and what it refuses by line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studio.data.files import damaged, fuzzed, read_or_refuse, table_of, words_for


def test_a_plain_file_becomes_rows_of_texts(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", "question,answer,stars\nWhere?,Here,5\n")
    assert table.format == "csv"
    assert table.columns == ("question", "answer", "stars")
    assert list(table.rows) == [{"question": "Where?", "answer": "Here", "stars": "5"}]
    assert table.notes == ()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_though_others_stand_in_the_texts(
    tmp_path: Path, separator: str
) -> None:
    content = io.StringIO()
    writer = csv.writer(content, delimiter=separator)
    writer.writerows([["question", "answer"], ["a, b; c", "d | e"], ["1;2;3", "x,y,\tz"]])
    table = table_of(tmp_path / "rows.csv", content.getvalue())
    assert table.columns == ("question", "answer")
    assert table.rows[1] == {"question": "1;2;3", "answer": "x,y,\tz"}


def test_a_decimal_comma_is_no_separator(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", "artikel;preis\nRad;1.299,50\nSchloss;39,90\n")
    assert table.columns == ("artikel", "preis")
    assert table.rows[0]["preis"] == "1.299,50"
    assert "decimal comma" in table.notes[1]


def test_excels_own_line_for_the_separator_is_obeyed(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", "sep=;\r\nfrage;antwort\r\nWo?;Hier\r\n")
    assert table.columns == ("frage", "antwort")
    assert list(table.lines) == [3]
    assert list(table.numbers) == [2]


def test_a_quoted_line_break_stays_and_lines_and_row_numbers_part(tmp_path: Path) -> None:
    table = table_of(
        tmp_path / "rows.csv", 'question,answer\r\n"two\r\nlines","say ""yes"""\r\nx,y\r\n'
    )
    assert table.rows[0] == {"question": "two\nlines", "answer": 'say "yes"'}
    assert list(table.lines) == [2, 4]
    assert list(table.numbers) == [2, 3]


def test_blank_rows_between_others_are_passed_over_and_counted(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", "question,answer\na,b\n\n,\nc,d\n,\n\n")
    assert list(table.numbers) == [2, 5]
    assert table.notes == ("2 blank rows were passed over.",)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(tmp_path: Path, ending: str) -> None:
    table = table_of(tmp_path / "rows.csv", ending.join(["question,answer", "a,b", "c,d"]))
    assert list(table.lines) == [2, 3]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marked_encodings_are_read(tmp_path: Path, codec: str) -> None:
    table = table_of(tmp_path / "rows.csv", "frage,antwort\nWo ist Köln?,質問😀\n".encode(codec))
    assert list(table.rows) == [{"frage": "Wo ist Köln?", "antwort": "質問😀"}]


def test_windows_1252_is_read_with_a_note(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", "frage,antwort\nWo?,Köln – 5 €\n".encode("cp1252"))
    assert table.rows[0]["antwort"] == "Köln – 5 €"
    assert "Windows-1252" in table.notes[0]
    assert "line 2" in table.notes[0]


def test_separators_at_the_end_of_each_line_make_no_column(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", "question,answer,,\na,b,,\nc,d,\n")
    assert table.columns == ("question", "answer")
    assert len(table.rows) == 2


def test_one_column_is_read(tmp_path: Path) -> None:
    assert table_of(tmp_path / "rows.csv", "text\none\ntwo\n").columns == ("text",)


def test_a_missing_header_is_suspected_aloud(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", "Where is my order?,On its way.\nAnd now?,Still so.\n")
    assert "taken for the names of the columns ('Where is my order?')" in table.notes[0]


def test_a_cell_of_a_million_characters_is_read(tmp_path: Path) -> None:
    table = table_of(tmp_path / "rows.csv", f"question,answer\na,{'x' * 1_000_000}\n")
    assert len(table.rows[0]["answer"]) == 1_000_000


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\n\n \n", "rows.csv holds no rows"),
        ("question,answer\n", "has a header but no rows"),
        ("question,answer\n,\n", "has a header but no rows"),
        ("question,,answer\na,b,c\n", "line 1: column 2 has no name"),
        ("answer,answer\na,b\n", "line 1: two columns are named 'answer'"),
        ("question,answer\na,b\nc,d,e\n", "line 3: this row has 3 cells, but the header names 2"),
        ("question,answer\na,b\nc\n", "line 3: this row has 1 cell, but the header names 2"),
        ('question,answer\na,b\n"c,d\n', "line 3: a quotation mark is out of place"),
        ('question,answer\n"a"b,c\n', "line 2: a quotation mark is out of place"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_line(
    tmp_path: Path, content: str, expected: str
) -> None:
    assert expected in words_for(tmp_path / "rows.csv", content)


def test_all_ragged_rows_are_counted_and_the_first_named(tmp_path: Path) -> None:
    words = words_for(tmp_path / "rows.csv", "question,answer\n" + "a,b,c\n" * 7)
    assert "7 rows are like this: lines 2, 3, 4, 5, 6, …" in words


def test_ten_thousand_columns_are_refused(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(10_000))
    assert "10,000 columns" in words_for(tmp_path / "rows.csv", f"{header}\n{header}\n")


@fuzzed
@given(content=st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused_in_words(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path / "rows.csv", content)


@fuzzed
@given(
    content=st.text(alphabet='ab"\n\r,;\t|= é\u2028\x00', max_size=120),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_any_text_is_a_table_or_refused_in_words(tmp_path: Path, content: str, codec: str) -> None:
    read_or_refuse(tmp_path / "rows.csv", content.encode(codec, "replace"))


WHOLE = 'frage;antwort\r\nWo ist Köln?;"Am ""Rhein"", in\r\nDeutschland"\r\nUnd das?;质é😀\r\n'


@fuzzed
@given(content=damaged(WHOLE.encode()) | damaged(WHOLE.encode("utf-16")))
def test_a_damaged_file_is_a_table_or_refused_in_words(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path / "rows.csv", content)


cells = st.text(alphabet='ab"\n,; é\u2028', max_size=20)


@fuzzed
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=8))
def test_what_a_writer_wrote_is_read_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    filled = [row for row in rows if "".join(row).strip()] or [("a", "b")]
    content = io.StringIO()
    csv.writer(content).writerows([("question", "answer"), *filled])
    table = table_of(tmp_path / "rows.csv", content.getvalue())
    assert [(row["question"], row["answer"]) for row in table.rows] == filled
