"""A person's notes and stars."""

from __future__ import annotations

from pathlib import Path

from studio.library import Library, Note
from studio.settings import Home


def test_a_note_and_a_star_are_kept_apart_from_each_other(tmp_path: Path) -> None:
    notes = Library(Home(tmp_path)).notes

    notes.write(3, "The good one.")
    notes.star(3, True)
    notes.write(3, "Better than 2.")
    notes.star(5, True)
    notes.star(5, False)

    assert notes.of(3) == Note("Better than 2.", is_starred=True)
    assert notes.of(4) == Note()
    assert notes.all() == {3: Note("Better than 2.", True), 5: Note("", False)}
