"""Words are found in the whole log."""

from __future__ import annotations

from pathlib import Path

from studio.ui import log_search
from studio.ui.log_search import found_html


def test_lines_are_given_with_their_numbers_and_stay_text(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("one\n<b>Two</b>\nthree\n")

    assert "     2  &lt;b&gt;Two&lt;/b&gt;" in found_html(tmp_path, " two ")
    assert "No line of the log holds “four”" in found_html(tmp_path, "four")
    assert found_html(tmp_path, "  ") == ""
    assert "No line" in found_html(tmp_path / "not there", "one")


def test_many_lines_are_counted_and_the_first_shown(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("step\n" * 1234)

    shown = found_html(tmp_path, "step")

    assert "200 lines, and 1,034 more" in shown
    assert shown.count("  step") == log_search.MOST_LINES
