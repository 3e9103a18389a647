"""A fingerprint changes with what a loader reads, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.errors import ModelProblem
from studio.models import fingerprints
from studio.models.fingerprints import fingerprint_file, fingerprint_folder
from tests.studio.models.folders import make_folder


def change_a_byte(path: Path, offset: int) -> None:
    """Change one byte and let the file's time of change move on, as any writing does."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))


def test_a_copy_elsewhere_has_the_same_fingerprint(tmp_path: Path) -> None:
    first, second = make_folder(tmp_path / "one"), make_folder(tmp_path / "two")

    assert fingerprint_folder(first) == fingerprint_folder(second)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_any_changed_byte_of_a_loaded_file_changes_it(tmp_path: Path, name: str) -> None:
    folder = make_folder(tmp_path)
    before = fingerprint_folder(folder)
    change_a_byte(folder / name, -1)

    assert fingerprint_folder(folder) != before


def test_a_file_more_changes_it(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    before = fingerprint_folder(folder)
    (folder / "chat_template.jinja").write_text("", encoding="utf-8")

    assert fingerprint_folder(folder) != before


def test_notes_and_pictures_do_not_change_it(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    before = fingerprint_folder(folder)
    (folder / "README.md").write_text("A model.", encoding="utf-8")
    (folder / "curve.png").write_bytes(b"PNG")

    assert fingerprint_folder(folder) == before


@pytest.mark.parametrize("offset", [0, -1])
def test_of_a_large_file_its_two_ends_and_its_size_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: int
) -> None:
    monkeypatch.setattr(fingerprints, "_WHOLE_BYTES", 1000)
    path = tmp_path / "large.gguf"
    path.write_bytes(bytes(40 * 2**20))
    before = fingerprint_file(path)
    change_a_byte(path, offset)
    changed = fingerprint_file(path)
    path.write_bytes(bytes(40 * 2**20 + 1))

    assert len({before, changed, fingerprint_file(path)}) == 3


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="cannot be read"):
        fingerprint_file(tmp_path / "gone.gguf")
