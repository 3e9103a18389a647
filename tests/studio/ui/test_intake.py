"""Intake: an opened page's file, and what a person corrects of what was recognised in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from studio.settings import Home
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from tests import tiny
from tests.studio.ui.forms import form, going_on_until_stopped, say_soon, shown_of


@pytest.fixture
def backstage(tmp_path: Path) -> Backstage:
    """What pages act on, in a home of the test's own."""
    return Backstage(Home(tmp_path / "home").prepare())


def kept_in(backstage: Backstage) -> Draft:
    """The draft as it is kept."""
    kept = backstage.library.draft("one")
    assert kept is not None
    return Draft.from_json(kept.value)


def test_a_goal_chosen_by_hand_holds_for_this_file_and_not_for_the_next(
    backstage: Backstage, tmp_path: Path
) -> None:
    this = form(backstage)
    draft = Draft(data_from="path", data_path=str(tiny.write_csv(tmp_path / "rows.csv")))
    list(this.intake.data_changed("one", *shown_of(this, draft)))
    assert kept_in(backstage).objective == "chat"

    chosen = replace(kept_in(backstage), objective="text")
    list(this.intake.goal_chosen("one", *shown_of(this, chosen)))
    assert kept_in(backstage).objective == "text"
    list(this.intake.data_changed("one", *shown_of(this, kept_in(backstage))))
    assert kept_in(backstage).objective == "text"

    other = replace(kept_in(backstage), data_path=str(tiny.write_csv(tmp_path / "next.csv")))
    list(this.intake.data_changed("one", *shown_of(this, other)))
    assert kept_in(backstage).objective == "chat"


def test_columns_chosen_by_hand_are_what_the_preview_shows(
    backstage: Backstage, tmp_path: Path
) -> None:
    this = form(backstage)
    draft = Draft(data_from="path", data_path=str(tiny.write_csv(tmp_path / "rows.csv")))
    list(this.intake.data_changed("one", *shown_of(this, draft)))
    swapped = {"prompt": "answer", "response": "question"}
    shown = shown_of(this, replace(kept_in(backstage), columns=swapped))
    *_, (columns_for, findings, preview, _) = this.intake.roles_chosen("one", *shown)

    kept = kept_in(backstage)
    assert kept.chosen_columns == swapped
    assert columns_for == kept.columns_for
    assert "rows" in findings
    assert backstage.own_data.found(kept).mapping.roles == swapped
    assert preview != gr.skip()


def test_a_page_opens_before_its_large_file_is_read_and_shows_how_far_that_is(
    backstage: Backstage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_soon(monkeypatch)
    file = tiny.write_csv(tmp_path / "rows.csv", 20_000)
    by_hand = {"prompt": "answer", "response": "question"}
    draft = Draft(data_from="path", data_path=str(file), step=3)
    draft = replace(draft, columns=by_hand, columns_for=draft.mapped)
    this = form(backstage)
    backstage.library.save_draft("one", draft.to_json())

    opened = this.open(SimpleNamespace(query_params={"draft": "one"}))

    assert not backstage.own_data.is_known(draft), "nothing was read for it"
    assert "Reading the file" in str(opened)
    assert "rows.csv, not read in yet" in str(opened)
    roles = [each.value for each in opened if isinstance(each, gr.Dropdown)]
    assert [*by_hand.values()] == [value for value in roles if value]

    updates = this.intake.read_opened("one", *shown_of(this, draft))
    assert "Reading the file" in str(next(updates))
    # What is set meanwhile stays set.
    this.settings_changed("one", *shown_of(this, replace(draft, training={"epochs": 7})))
    *_, shown = updates
    assert "20,000 rows" in str(shown)
    assert "rows.csv: All 20,000 rows are ready." in str(shown)
    kept = backstage.library.draft("one")
    assert kept is not None
    assert kept.value["training"]["epochs"] == 7
    assert Draft.from_json(kept.value).chosen_columns == by_hand


def test_an_opened_page_whose_file_can_be_stopped_says_so_and_reads_it_again_when_asked(
    backstage: Backstage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_soon(monkeypatch)
    file = tiny.write_csv(tmp_path / "rows.csv", 20_000)
    draft = Draft(data_from="path", data_path=str(file))
    this = form(backstage)
    shown = shown_of(this, draft)
    with going_on_until_stopped():
        updates = this.intake.read_opened("one", *shown)
        next(updates)
        list(this.intake.stop_or_read_again("one", *shown))
        *_, stopped = updates

    assert "Reading was stopped" in str(stopped)
    *_, again = this.intake.stop_or_read_again("one", *shown)
    assert "20,000 rows" in str(again)
