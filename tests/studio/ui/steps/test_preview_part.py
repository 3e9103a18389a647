"""The first rows as they stand, and a template as it is filled from them."""

from __future__ import annotations

from pathlib import Path

from studio.data.inspection import inspect
from studio.data.readers import read
from studio.ui.steps import preview_part


def preview(folder: Path, content: str, roles: dict[str, str]) -> str:
    (folder / "rows.csv").write_text(content, "utf-8")
    return preview_part.preview_html(inspect(read(folder / "rows.csv"), roles))


def test_a_template_is_shown_filled_from_the_first_rows(tmp_path: Path) -> None:
    rows = "text,language,wanted\n" + "".join(f"<b>{n}</b>,French,Un {n}\n" for n in range(5))
    shown = preview(
        tmp_path, rows, {"prompt": "Translate {text} into {language}", "response": "wanted"}
    )
    assert "Question, filled in" in shown
    assert "<li>Translate &lt;b&gt;0&lt;/b&gt; into French</li>" in shown
    assert shown.count("<li>Translate") == preview_part.ROWS_FILLED
    # Both columns that it takes from are marked as the question.
    assert shown.count("<small>Question</small>") == 2


def test_columns_alone_need_nothing_filled(tmp_path: Path) -> None:
    shown = preview(tmp_path, "a,b\nx,y\n", {"prompt": "a", "response": "b"})
    assert "filled" not in shown


def test_a_row_of_which_the_template_makes_nothing_says_so(tmp_path: Path) -> None:
    shown = preview(tmp_path, "a,b,c\n,,y\nx,,y\n", {"prompt": "{a} and {b}", "response": "c"})
    assert '<li><em class="hollow">empty</em></li><li>x and</li>' in shown
