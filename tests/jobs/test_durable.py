"""Durable writing: whole, or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.durable import clear_leftovers, new_folder, write_bytes, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with open(path) as opened_before:
        write_text(path, "äfter")
        assert opened_before.read() == "before"
    assert path.read_text(encoding="utf-8") == "äfter"
    assert names(tmp_path) == ["a.txt"]


def test_json_is_read_back_as_it_was(tmp_path: Path) -> None:
    value = {"words": "né", "numbers": [1, 2.5, None]}
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_bytes()) == value


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"before")
    with pytest.raises(TypeError):
        write_bytes(tmp_path / "a", None)  # type: ignore[arg-type]
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_a_folder_appears_with_all_that_is_in_it(tmp_path: Path) -> None:
    with new_folder(tmp_path / "model") as folder:
        (folder / "weights").mkdir()
        (folder / "weights" / "a").write_bytes(b"1")
        assert not (tmp_path / "model").exists()
    assert (tmp_path / "model" / "weights" / "a").read_bytes() == b"1"
    assert names(tmp_path) == ["model"]


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), new_folder(tmp_path / "model") as folder:
        fill_halfway(folder)
    assert names(tmp_path) == []


def fill_halfway(folder: Path) -> None:
    (folder / "a").write_bytes(b"1")
    raise OSError("the disk is full")


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(FileExistsError), new_folder(tmp_path / "model"):
        pass


def test_killed_while_it_writes_it_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, [0])
    code = (
        "import sys; from pathlib import Path; from jobs.durable import write_json\n"
        "number = 0\n"
        "while True: number += 1; write_json(Path(sys.argv[1]), [number] * 20_000)"
    )
    root = Path(__file__).parents[2]
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=root)
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(0.5)
        writer.kill()
        writer.wait()
        assert len(set(json.loads(path.read_bytes()))) == 1


def test_what_killed_writers_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".kept.1a2b3c4d.partial").mkdir()
    (tmp_path / ".kept.5e6f7a8b.partial").write_text("half")
    (tmp_path / ".other.1a2b3c4d.partial").mkdir()
    (tmp_path / "kept").mkdir()

    clear_leftovers(tmp_path / "kept")

    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.1a2b3c4d.partial", "kept"]
