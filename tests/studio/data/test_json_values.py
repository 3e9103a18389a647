"""The JSONL reader: lines of objects, one list of objects, and what it refuses by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.studio.data.files import damaged, fuzzed, read_or_refuse, table_of, words_for


def test_lines_become_rows_and_nested_values_stay(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    lines = [{"messages": messages, "stars": 5}, {"messages": messages, "tag": None}]
    table = table_of(tmp_path / "rows.jsonl", "\n\n".join(map(json.dumps, lines)))
    assert table.format == "jsonl"
    assert table.columns == ("messages", "stars", "tag")
    assert list(table.rows) == lines
    assert list(table.lines) == list(table.numbers) == [1, 3]


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_a_list_of_objects_is_read_with_the_line_of_each(tmp_path: Path, name: str) -> None:
    table = table_of(tmp_path / name, '\n[\n {"a": 1},\n\n {"a":\n  2}\n]\n')
    assert list(table.rows) == [{"a": 1}, {"a": 2}]
    assert list(table.lines) == [3, 5]
    assert list(table.numbers) == [1, 2]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_marked_encodings_are_read(tmp_path: Path, codec: str) -> None:
    table = table_of(tmp_path / "rows.jsonl", '{"frage": "Köln 😀"}\n'.encode(codec))
    assert list(table.rows) == [{"frage": "Köln 😀"}]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (" \n\n", "rows.jsonl holds no rows"),
        ("[]", "rows.jsonl holds no rows"),
        ("{}\n{}", "rows.jsonl holds no rows"),
        ('{"a": 1}\n\n{"a": \n', "line 3: this is not a whole JSON object"),
        ('{"a": 1}\n{"a": "x"', "line 2: this is not a whole JSON object"),
        ('{"a": 1} {"a": 2}\n', "line 1: this is not a whole JSON object (at character 10"),
        ('{"a": 1}\n["b"]\n', "line 2: this is a list, not an object"),
        ('{"a": 1}\n7\n', "line 2: this is a number, not an object"),
        ('{"a": 1}\nnull\n', "line 2: this is null, not an object"),
        ('{"a": NaN}\n', "line 1: NaN is not a JSON value"),
        ('{"a": "\\ud83d"}\n', "line 1: half of a character"),
        (f'{{"a": {"9" * 5000}}}\n', "line 1: a number is too long"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "line 1: the values are nested more than 64"),
        ('{"a": ' + "[" * 100_000, "line 1: "),
        ('[{"a": 1},\n{"a": 2]', "line 2: this is not a whole JSON object"),
        ('[{"a": 1}\n{"a": 2}]', "line 2: a comma or the closing bracket"),
        ('[{"a": 1}]\n[{"a": 2}]', "line 2: something follows after the end of the list"),
        ('[{"a": 1},\n"b"]', "line 2: this is a text, not an object"),
    ],
)
def test_a_broken_file_is_refused_by_line(tmp_path: Path, content: str, expected: str) -> None:
    assert expected in words_for(tmp_path / "rows.jsonl", content)


def test_a_whole_pair_of_escapes_is_one_character(tmp_path: Path) -> None:
    assert table_of(tmp_path / "rows.jsonl", '{"a": "\\ud83d\\ude00"}\n').rows[0] == {"a": "😀"}


def test_ever_new_names_are_refused(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({f"name {number}": 1}) for number in range(2_000))
    assert "line 1001: there are more than 1,000 different" in words_for(
        tmp_path / "rows.jsonl", lines
    )


@fuzzed
@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused_in_words(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path / "rows.jsonl", content)


@fuzzed
@given(content=st.text(alphabet='{}[]:,"a1\\ud8 \n\ré', max_size=60))
def test_nearly_json_is_a_table_or_refused_in_words(tmp_path: Path, content: str) -> None:
    read_or_refuse(tmp_path / "rows.jsonl", content)


WHOLE = '{"prompt": "Wo ist Köln?", "response": "质\\u00e9 \\ud83d\\ude00", "n": [1, {}]}\n' * 3


@fuzzed
@given(content=damaged(WHOLE.encode()) | damaged(WHOLE.encode("utf-16")))
def test_a_damaged_file_is_a_table_or_refused_in_words(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path / "rows.jsonl", content)


values = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
nested = values | st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=4), values)
objects = st.dictionaries(st.text(max_size=4), nested, min_size=1, max_size=3)


@fuzzed
@given(rows=st.lists(objects, min_size=1, max_size=4))
def test_what_a_writer_wrote_is_read_back(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    lines = "\n".join(map(json.dumps, rows))
    for content in [lines, json.dumps(rows), json.dumps(rows, indent=1, ensure_ascii=False)]:
        assert list(table_of(tmp_path / "rows.json", content).rows) == rows
