"""Rows on disk: what was put in comes out, and what was changed is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data import stored
from studio.data.stored import content_hash, open_stored, store, table_of
from studio.data.table import Record, Row, Source
from studio.errors import DataProblem
from tests.studio.data.files import fuzzed

COLUMNS = ("question", "turns", "stars")
ROWS: list[Row] = [
    {"question": "Wo?", "turns": [{"role": "user", "content": "é\n😀"}], "stars": 5},
    {"question": None, "turns": None, "stars": 4.5},
    {"question": "", "stars": "five"},
]


def source(rows: list[Row]) -> Source:
    """The rows as if a reader gave them, on every second line."""
    records = [Record(row, 2 * place, place) for place, row in enumerate(rows, start=1)]
    return Source(Path("rows.jsonl"), "jsonl", lambda: iter(records), COLUMNS)


def keep(folder: Path, rows: list[Row] | None = None) -> tuple[Path, str]:
    chosen = ROWS if rows is None else rows
    folder.mkdir()
    return folder, store(source(chosen), folder).hash


def test_values_come_out_as_they_went_in(tmp_path: Path) -> None:
    rows = open_stored(*keep(tmp_path / "kept"))
    assert len(rows) == 3
    assert list(rows) == [*ROWS[:2], {"question": "", "turns": None, "stars": "five"}]
    assert list(rows) == list(rows)


def test_the_folder_opens_with_datasets(tmp_path: Path) -> None:
    folder, _ = keep(tmp_path / "kept")
    opened = datasets.load_from_disk(str(folder))
    assert isinstance(opened, datasets.Dataset)
    assert opened.column_names == list(COLUMNS)
    assert opened[0]["question"] == "Wo?"
    assert opened[0]["turns"] == '[{"role": "user", "content": "é\\n😀"}]'


def test_the_hash_is_of_the_content_alone() -> None:
    absent: list[Row] = [{"a": "x"}, {"a": "y", "b": None}]
    written: list[Row] = [{"b": None, "a": "x"}, {"a": "y"}]
    assert content_hash(("a", "b"), absent) == content_hash(("a", "b"), written)
    assert content_hash(("a", "b"), absent) != content_hash(("a", "b"), absent[::-1])
    assert content_hash(("b", "a"), absent) != content_hash(("a", "b"), absent)
    assert content_hash(("a",), [{"a": 1}]) != content_hash(("a",), [{"a": "1"}])


def test_many_rows_are_kept_in_batches(tmp_path: Path) -> None:
    rows: list[Row] = [{"question": str(number)} for number in range(2_500)]
    folder, hash_ = keep(tmp_path / "kept", rows)
    assert [row["question"] for row in open_stored(folder, hash_)] == [
        row["question"] for row in rows
    ]


def test_rows_are_found_by_place_with_their_lines(tmp_path: Path) -> None:
    rows: list[Row] = [{"question": str(number)} for number in range(2_500)]
    kept = source(rows)
    (tmp_path / "kept").mkdir()
    table = table_of(kept, store(kept, tmp_path / "kept"))
    assert [row["question"] for row in table.rows[1_998:2_002]] == ["1998", "1999", "2000", "2001"]
    assert (table.rows[-1]["question"], table.lines[-1], table.numbers[-1]) == (
        "2499",
        5_000,
        2_500,
    )
    assert [row["question"] for row in table.rows[::1_000]] == ["0", "1000", "2000"]


def test_a_late_column_and_a_late_kind_of_value_are_kept_as_they_are(tmp_path: Path) -> None:
    rows: list[Row] = [{"question": str(number)} for number in range(1_500)]
    rows[1_200] = {"question": 7, "late": ["x"]}
    folder, hash_ = keep(tmp_path / "kept", rows)
    found = open_stored(folder, hash_)
    assert list(found.kinds) == [*COLUMNS, "late"]
    assert (found[1_200]["question"], found[1_200]["late"]) == (7, ["x"])
    assert found[0]["question"] == "0"


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="Choose its data file again") as caught:
        open_stored(tmp_path / "gone", "a" * 64)
    assert caught.value.code == "dataset_missing"


@pytest.mark.parametrize("file", ["data-00000-of-00001.arrow", "whetstone.json"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, file: str, share: float) -> None:
    folder, hash_ = keep(tmp_path / "kept")
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataProblem, match="was changed on disk"):
        open_stored(folder, hash_)


def test_a_single_changed_letter_is_refused(tmp_path: Path) -> None:
    folder, hash_ = keep(tmp_path / "kept")
    data = folder / "data-00000-of-00001.arrow"
    data.write_bytes(data.read_bytes().replace(b"Wo?", b"Wo!"))
    with pytest.raises(DataProblem, match="was changed on disk") as caught:
        open_stored(folder, hash_)
    assert caught.value.code == "dataset_changed"


def test_other_rows_under_the_same_hash_are_refused(tmp_path: Path) -> None:
    _, hash_ = keep(tmp_path / "kept")
    keep(tmp_path / "forged", ROWS[:2])
    with pytest.raises(DataProblem, match="was changed on disk"):
        open_stored(tmp_path / "forged", hash_)


@fuzzed
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_leaves_the_same_rows_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    folder, hash_ = keep(tmp_path_factory.mktemp("flipped") / "kept")
    data = folder / "data-00000-of-00001.arrow"
    content = bytearray(data.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    data.write_bytes(content)
    try:
        rows: list[dict[str, Any]] = list(open_stored(folder, hash_))
    except DataProblem:
        return
    assert content_hash(COLUMNS, rows) == hash_


@fuzzed
@given(values=st.lists(st.none() | st.text(), max_size=4))
def test_the_quick_library_writes_texts_as_the_slow_one_does(values: list[str | None]) -> None:
    plain = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    assert stored._line(values) == plain
