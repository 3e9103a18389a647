"""A kept dataset on disk: what was put in comes out, and what was changed is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.table import Row
from studio.errors import DataProblem
from studio.library import kept
from tests.studio.data.files import fuzzed

COLUMNS = ("question", "turns", "stars")
ROWS: list[Row] = [
    {"question": "Wo?", "turns": [{"role": "user", "content": "é\n😀"}], "stars": 5},
    {"question": None, "turns": None, "stars": 4.5},
    {"question": "", "stars": "five"},
]


def keep(folder: Path, rows: list[Row] | None = None) -> tuple[Path, str]:
    chosen = ROWS if rows is None else rows
    hash_ = kept.content_hash(COLUMNS, chosen)
    folder.mkdir()
    kept.write(folder, COLUMNS, chosen, hash_)
    return folder, hash_


def test_values_come_out_as_they_went_in(tmp_path: Path) -> None:
    rows = kept.open_rows(*keep(tmp_path / "kept"))
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
    assert kept.content_hash(("a", "b"), absent) == kept.content_hash(("a", "b"), written)
    assert kept.content_hash(("a", "b"), absent) != kept.content_hash(("a", "b"), absent[::-1])
    assert kept.content_hash(("b", "a"), absent) != kept.content_hash(("a", "b"), absent)
    assert kept.content_hash(("a",), [{"a": 1}]) != kept.content_hash(("a",), [{"a": "1"}])


def test_many_rows_are_kept_in_batches(tmp_path: Path) -> None:
    rows: list[Row] = [{"question": str(number)} for number in range(2_500)]
    folder, hash_ = keep(tmp_path / "kept", rows)
    assert [row["question"] for row in kept.open_rows(folder, hash_)] == [
        row["question"] for row in rows
    ]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="Choose its data file again") as caught:
        kept.open_rows(tmp_path / "gone", "a" * 64)
    assert caught.value.code == "dataset_missing"


@pytest.mark.parametrize("file", ["data-00000-of-00001.arrow", "whetstone.json"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, file: str, share: float) -> None:
    folder, hash_ = keep(tmp_path / "kept")
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataProblem, match="was changed on disk"):
        kept.open_rows(folder, hash_)


def test_a_single_changed_letter_is_refused(tmp_path: Path) -> None:
    folder, hash_ = keep(tmp_path / "kept")
    data = folder / "data-00000-of-00001.arrow"
    data.write_bytes(data.read_bytes().replace(b"Wo?", b"Wo!"))
    with pytest.raises(DataProblem, match="was changed on disk") as caught:
        kept.open_rows(folder, hash_)
    assert caught.value.code == "dataset_changed"


def test_other_rows_under_the_same_hash_are_refused(tmp_path: Path) -> None:
    _, hash_ = keep(tmp_path / "kept")
    (tmp_path / "forged").mkdir()
    kept.write(tmp_path / "forged", COLUMNS, ROWS[:2], hash_)
    with pytest.raises(DataProblem, match="was changed on disk"):
        kept.open_rows(tmp_path / "forged", hash_)


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
        rows: list[dict[str, Any]] = list(kept.open_rows(folder, hash_))
    except DataProblem:
        return
    assert kept.content_hash(COLUMNS, rows) == hash_
