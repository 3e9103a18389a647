"""The note that makes a prepared folder complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.models.origin import FILE_NAME, Origin, read_origin

ORIGIN = Origin("Tiny One", "starter", "1 sha256:0", None)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    ORIGIN.write(tmp_path)

    assert read_origin(tmp_path) == ORIGIN


@pytest.mark.parametrize("content", ["", "{", "[]", '{"title": "Tiny One"}'])
def test_a_broken_note_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")

    assert read_origin(tmp_path) is None


def test_a_folder_without_a_note_has_no_origin(tmp_path: Path) -> None:
    assert read_origin(tmp_path / "nowhere") is None
