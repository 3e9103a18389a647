"""Folders, ZIP archives, Parquet, Arrow and what Hugging Face's libraries save."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import datasets
import pyarrow
import pytest
from pyarrow import feather, parquet

from studio.data.readers import open_source, read
from tests.studio.data.files import refusal
from tests.studio.data.office import write_docx

ROWS = {"question": ["Where?", "When?"], "answer": ["Here", "Now"]}
CSV = "question,answer\nWhere?,Here\nWhen?,Now\n"


def pairs(path: Path, part: str | None = None) -> list[tuple[str, str]]:
    return [(row["question"], row["answer"]) for row in read(path, part).rows]


def test_parquet_arrow_and_feather_give_the_same_rows(tmp_path: Path) -> None:
    table = pyarrow.table(ROWS)
    parquet.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "a.feather")
    with pyarrow.ipc.new_stream(str(tmp_path / "a.arrow"), table.schema) as stream:
        stream.write_table(table)
    expected = list(zip(*ROWS.values(), strict=True))
    for name in ("a.parquet", "a.feather", "a.arrow"):
        assert pairs(tmp_path / name) == expected


def test_nested_values_stay_and_bytes_are_left_out_aloud(tmp_path: Path) -> None:
    talk = [[{"role": "user", "content": "Hi"}]]
    parquet.write_table(
        pyarrow.table({"m": talk, "n": [1.5], "b": [b"\0"]}), tmp_path / "a.parquet"
    )
    table = read(tmp_path / "a.parquet")
    assert table.rows[0] == {"m": talk[0], "n": 1.5}
    assert "'b'" in table.notes[0]


def test_what_datasets_saved_is_read_with_its_splits_and_label_names(tmp_path: Path) -> None:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])}
    )
    train = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features)
    datasets.DatasetDict({"test": train, "train": train}).save_to_disk(str(tmp_path / "saved"))
    table = read(tmp_path / "saved")
    assert (table.parts, table.part) == (("test", "train"), "train")
    assert [row["label"] for row in table.rows] == ["good", "bad"]
    train.to_parquet(str(tmp_path / "a.parquet"))
    assert read(tmp_path / "a.parquet").rows[0]["label"] == "good"


def test_files_with_the_same_columns_are_one_table(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "a.csv").write_text(CSV)
    (tmp_path / "more" / "b.csv").write_text(CSV.replace("Here", "There"))
    (tmp_path / ".hidden.csv").write_text("x")
    (tmp_path / "README.md").write_text("About")
    assert len(pairs(tmp_path)) == 4


def test_training_data_is_read_first_and_other_splits_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(CSV + CSV.partition("\n")[2] * 9)
    (tmp_path / "train-00000-of-00001.csv").write_text(CSV)
    assert len(pairs(tmp_path)) == 2
    assert len(pairs(tmp_path, "test")) == 20
    assert "no part 'dev'" in refusal(lambda: read(tmp_path, "dev"))


def test_documents_of_a_folder_become_rows_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One.")
    write_docx(tmp_path / "b.docx", ["Two."])
    table = read(tmp_path)
    assert [(row["text"], row["file"]) for row in table.rows] == [
        ("One.", "a.txt"),
        ("Two.", "b.docx"),
    ]


def test_a_folder_without_data_is_told(tmp_path: Path) -> None:
    assert "holds no data file" in refusal(lambda: read(tmp_path))
    (tmp_path / "a.csv").write_text("question\n")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n")
    source = open_source(tmp_path)
    assert "1 file was left out" in " ".join(source.notes)


def archive(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return path


def test_a_zip_is_read_like_a_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"in/a.csv": CSV.encode(), "__MACOSX/a.csv": b"x"})
    source = open_source(path)
    assert [record.row["answer"] for record in source.records()] == ["Here", "Now"]
    assert [record.row["answer"] for record in source.records()] == ["Here", "Now"]


@pytest.mark.parametrize("name", ["../a.csv", "a/../../b.csv", "/a.csv", "..\\a.csv", "C:\\a.csv"])
def test_names_that_lead_out_of_a_zip_are_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.zip", {name: CSV.encode()})
    assert "outside of the archive" in refusal(lambda: read(path))
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.csv": b"\0" * 200_000_000})
    assert path.stat().st_size < 1_000_000
    assert "ZIP bomb" in refusal(lambda: read(path))
    # The same inside an office file, whose reader never asks for it.
    assert "ZIP bomb" in refusal(
        lambda: read(archive(tmp_path / "a.docx", {"word/document.xml": b" " * 200_000_000}))
    )


def test_a_bomb_that_lies_about_its_size_is_not_unpacked_either(tmp_path: Path) -> None:
    size = 200_000_000
    path = archive(tmp_path / "a.zip", {"a.csv": b"\0" * size})
    content = path.read_bytes().replace(struct.pack("<I", size), struct.pack("<I", 1_000))
    path.write_bytes(content)
    assert "damaged" in refusal(lambda: read(path))


def test_an_archive_in_an_archive_is_left_closed(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("../x.csv", CSV)
    path = archive(tmp_path / "a.zip", {"inner.zip": inner.getvalue(), "a.csv": CSV.encode()})
    assert len(pairs(path)) == 2


def test_a_locked_zip_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.csv": CSV.encode()})
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(content)
    assert "protected by a password" in refusal(lambda: read(path))
