"""Mending a kept dataset: new versions, the places of the rows kept, what was held out stays held out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.checks import CHECKS
from studio.checks.check import LEAVE_OUT, Finding
from studio.checks.fixing import Subject, mend, writing
from studio.checks.looking import look_through
from studio.data.columns import ColumnMapping
from studio.data.examples import build
from studio.data.split import group_of
from studio.errors import AskedWrongly
from studio.library import Library
from studio.settings import Home

CHAT = ColumnMapping("chat", {"prompt": "question", "response": "answer"}, 1.0, "")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(Home(tmp_path / "home"))
    yield library
    library.close()


def subject(library: Library, folder: Path, *rows: str) -> Subject:
    file = folder / "rows.csv"
    file.write_text("question,answer\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    kept = library.import_file(file)
    return Subject(library.versions.first(kept.dataset.hash), kept.table, CHAT)


def test_a_fix_makes_a_version_in_which_rows_keep_their_numbers(
    library: Library, tmp_path: Path
) -> None:
    before = subject(library, tmp_path, "a,1", "write to x.y@z.example,2", "c,3", "d,4")
    (personal,) = (
        found
        for found in look_through(before.table, CHAT, held_out=0).found
        if found.check.name == "personal"
    )
    masked = mend(library, before, "personal", personal.finding, CHECKS["personal"].fixes[0])
    second = Subject(masked, library.table_of(masked, before.table), CHAT)
    third = mend(library, second, "by hand", Finding((0, 2), ""), LEAVE_OUT)
    after = library.table_of(third, before.table)

    assert list(second.table.rows)[1]["question"] == "write to [EMAIL]"
    assert masked.words.endswith(": 1 row changed.")
    assert third.words == "Leave these rows out: 2 rows left out."
    assert [row["question"] for row in after.rows] == ["write to [EMAIL]", "d"]
    assert list(after.numbers) == [3, 5]
    assert [each.id for each in library.versions.history(third)][1:] == [masked.id, third.id]
    assert [row["question"] for row in before.table.rows][:2] == ["a", "write to x.y@z.example"]


def test_a_cell_is_written_anew(library: Library, tmp_path: Path) -> None:
    before = subject(library, tmp_path, "a,1", "b,2")
    version = mend(library, before, "by hand", Finding((1,), ""), writing("answer", "two"))
    after = library.table_of(version, before.table)
    assert [row["answer"] for row in after.rows] == ["1", "two"]


def test_a_fix_that_would_leave_no_row_changes_nothing(library: Library, tmp_path: Path) -> None:
    before = subject(library, tmp_path, "a,1", "b,2")
    with pytest.raises(AskedWrongly, match="no row"):
        mend(library, before, "by hand", Finding((0, 1), ""), LEAVE_OUT)
    assert library.versions.history(before.version) == [before.version]
    assert len(library.datasets()) == 1


def test_a_row_that_was_held_out_stays_so_after_its_question_was_changed(
    library: Library, tmp_path: Path
) -> None:
    before = subject(library, tmp_path, *(f"question {n},answer {n}" for n in range(40)))
    examples = build(before.table.rows, CHAT.roles).examples
    library.versions.freeze_split(examples, before.version.hash, 0.1, 0)
    held_out = library.versions.held_out(before.version.hash)
    row = next(each.row for each in examples if group_of(each) in held_out)

    version = mend(
        library, before, "by hand", Finding((row,), ""), writing("question", "something new")
    )
    after = build(library.table_of(version, before.table).rows, CHAT.roles).examples
    now = library.versions.split(after, version.hash, 0.05, 9)

    assert "something new" in {example.question for example in now.held_out}
    assert len(now.held_out) == len(held_out)
