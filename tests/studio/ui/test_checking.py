"""The panel's handlers: what the page is told while checks run, after a fix, and when one does not go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import psutil
import pytest

from studio.settings import Home
from studio.ui.backstage import Backstage
from studio.ui.checking import SETTLED, Checking
from studio.ui.draft import Draft
from studio.ui.steps import problems
from tests import tiny


class Window:
    """One window's form: what it holds is the draft, what was kept is the last one."""

    def __init__(self, home: Home, draft: Draft) -> None:
        self.draft = draft
        self.data = Backstage(home).own_data
        self.checking = Checking(self.data, lambda shown: ("id", self.draft), self._keep)

    def _keep(self, draft_id: str, draft: Draft) -> None:
        self.draft = draft


@pytest.fixture
def window(tmp_path: Path) -> Window:
    file = tiny.write_csv(tmp_path / "rows.csv", 24)
    with open(file, "a", encoding="utf-8") as more:
        more.write("Where <b>do</b> I write to?,To ana.b@shop.example\n")
    draft = Draft(model_from="path", data_from="path", data_path=str(file))
    return Window(Home(tmp_path / "home").prepare(), draft)


def said(update: list[Any]) -> str:
    return str(update[1])


def shown(updates: Iterator[list[Any]]) -> list[Any]:
    """The update that says last what stands in the list."""
    return [update for update in updates if update[1] != gr.skip()][-1]


def test_what_was_found_is_shown_with_its_fixes_and_as_text(window: Window) -> None:
    last = shown(window.checking.check())

    assert "24 of 25 rows are ready" in said(last)
    assert 'data-fix="personal:mask"' in said(last)
    assert "<b>do</b>" not in said(last)


def test_a_fix_settles_the_form_on_the_new_version_and_undo_on_the_old_one(window: Window) -> None:
    updates = list(window.checking.mend(gr.EventData(None, {"chosen": "personal:mask"})))
    mended = shown(iter(updates))
    told = next(update[4:] for update in updates if update[4] != gr.skip())
    settled = dict(zip(SETTLED, told, strict=False))

    assert settled["dataset"] == window.draft.fixed_dataset
    assert settled["columns_for"] == window.draft.mapped
    assert "[EMAIL]" in said(mended)  # what was done is told
    assert 'data-fix="undo"' in said(mended)

    back = shown(window.checking.mend(gr.EventData(None, {"chosen": "undo"})))
    assert window.draft.fixed_dataset is None
    assert 'data-fix="undo"' not in said(back)


def test_a_fix_that_does_not_go_leaves_the_form_and_says_why(window: Window) -> None:
    before = window.draft
    last = shown(window.checking.drop("2-26"))
    assert "This would leave no row" in said(last)
    last = shown(window.checking.drop("nine"))
    assert "&#x27;nine&#x27; is no row number" in said(last)
    assert window.draft == before
    assert last[4:] == [gr.skip()] * (len(SETTLED) + 3)


def test_cells_are_shown_and_written(window: Window) -> None:
    assert window.checking.cell("26", "answer") == "To ana.b@shop.example"
    assert window.checking.cell("99", "answer") == ""
    assert window.checking.cell("", "answer") == gr.skip()
    last = shown(window.checking.write("26", "answer", "To the desk"))
    assert window.checking.cell("26", "answer") == "To the desk"
    assert "1 row changed" in said(last)


def test_without_a_file_or_columns_the_panel_is_hidden(window: Window, tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("question\nWhy?\nHow?\n", encoding="utf-8")
    for path in ("", str(file), str(tmp_path / "gone.csv")):
        window.draft = replace(window.draft, data_path=path)
        *_, update = window.checking.check()
        assert update[0].visible is False


def test_of_two_runs_in_one_window_only_the_newer_one_goes_on(
    window: Window, tmp_path: Path
) -> None:
    small = window.draft
    window.draft = replace(small, data_path=str(tiny.write_csv(tmp_path / "large.csv", 20_000)))
    older = window.checking.check()
    assert "Looking through the rows" in said(next(older))
    window.draft = small
    newer = shown(window.checking.check())

    assert "24 of 25 rows are ready" in said(newer)
    # What an ended handler said last is shown once more: it must not be the old file's.
    assert list(older)[-1] == problems.unchanged()


@pytest.fixture
def large(window: Window, tmp_path: Path) -> Window:
    """A window whose file takes some seconds to look through, but was read in."""
    file = tiny.write_csv(tmp_path / "large.csv", 8_000)
    window.draft = replace(window.draft, data_path=str(file))
    window.data.read(window.draft)
    return window


def test_checks_can_be_stopped_and_begun_again(large: Window) -> None:
    updates = large.checking.check()
    assert 'data-fix="stop"' in said(next(updates))
    list(large.checking.mend(gr.EventData(None, {"chosen": "stop"})))

    stopped = said(shown(updates))
    assert "The checks were stopped" in stopped
    assert 'data-fix="again"' in stopped
    again = large.checking.mend(gr.EventData(None, {"chosen": "again"}))
    assert "Looking through the rows" in said(next(again))
    list(large.checking.mend(gr.EventData(None, {"chosen": "stop"})))
    assert "The checks were stopped" in said(shown(again))


def test_a_process_of_checks_that_is_killed_is_told_in_words(large: Window) -> None:
    updates = large.checking.check()
    next(updates)
    for child in psutil.Process().children():
        if "studio.worker.apart" in child.cmdline():
            child.kill()

    ended = said(shown(updates))
    assert "ended from outside" in ended
    assert "as they were" in ended
    assert 'data-fix="again"' in ended
