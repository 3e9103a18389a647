"""Where the rows come from: pasted cells become a file, samples can be downloaded, parts are offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.columns import CONFIDENT
from studio.data.inspection import inspect
from studio.data.readers import read
from studio.settings import ASSETS
from studio.ui.steps import source_part
from tests.studio.data.office import write_xlsx


@pytest.mark.parametrize(
    "text", ["question\tanswer\r\nWhere?\tHere\r\n", "question,answer\nWhere?,Here\n"]
)
def test_pasted_cells_become_a_file_that_is_read(tmp_path: Path, text: str) -> None:
    path = Path(source_part.keep_pasted(text, tmp_path))
    assert list(read(path).rows) == [{"question": "Where?", "answer": "Here"}]
    assert source_part.keep_pasted(text, tmp_path) == str(path)


def test_nothing_pasted_is_no_file(tmp_path: Path) -> None:
    assert source_part.keep_pasted(" \n", tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_every_sample_can_be_used_as_it_is() -> None:
    names = [name for name, _ in source_part.SAMPLES]
    assert {file.name for file in (ASSETS / "samples").iterdir()} == set(names)
    for name in names:
        found = inspect(read(ASSETS / "samples" / name))
        assert found.mapping.confidence >= CONFIDENT
        assert found.ready == len(found.table.rows) >= 8


def test_sheets_are_offered_where_there_are_several(tmp_path: Path) -> None:
    sheets = {"One": [["a", "b"], ["1", "2"]], "Two": [["c", "d"], ["3", "4"]]}
    table = read(write_xlsx(tmp_path / "rows.xlsx", sheets))
    shown = source_part.part_shown(table)
    assert [name for name, _ in shown.choices] == ["One", "Two"]
    assert (shown.value, shown.visible) == ("One", True)
    assert source_part.part_shown(None).visible is False
