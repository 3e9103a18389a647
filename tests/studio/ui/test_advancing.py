"""Next and Start: rows are gone through by another process, with progress and Stop, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.steps.step import METHOD
from studio.worker import apart
from tests import tiny
from tests.studio.ui.forms import (
    acting_alone,
    form,
    going_on_until_stopped,
    read_no_rows_here,
    say_soon,
    shown_of,
)

ID = "window"
ROWS = 20_000


@pytest.fixture
def backstage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backstage]:
    """What pages act on. Nothing that is queued is run, and the model worker is not asked."""
    backstage = acting_alone(tmp_path, monkeypatch)
    say_soon(monkeypatch)
    yield backstage
    backstage.orders.close()


def draft_on(model: Path, file: Path, **more: Any) -> Draft:
    draft = Draft(model_from="path", model_path=str(model), data_from="path", data_path=str(file))
    return replace(draft, **more)


def labels(file: Path, *names: str) -> Path:
    """A row a label, again and again, so that a process needs a moment for them."""
    rows = [{"text": f"text {n}", "label": names[n % len(names)]} for n in range(ROWS)]
    return tiny.write_jsonl(file, rows)


def ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no other process is asked to go through rows."""

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("the rows are gone through once more")

    monkeypatch.setattr(apart, "call", refused)


def last(updates: Iterator[list[Any]]) -> list[Any]:
    """The last of the updates."""
    return list(updates)[-1]


def test_the_labels_are_looked_at_by_another_process_which_says_how_far_it_is(
    backstage: Backstage, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = labels(tmp_path / "rows.jsonl", "same")
    draft = draft_on(tiny_model, file, objective="classification", objective_for=str(file))
    this = form(backstage)
    backstage.own_data.read(draft)
    read_no_rows_here(monkeypatch)

    updates = list(this.advancing.leave_data(ID, *shown_of(this, draft)))

    assert any("Looking at the rows for this goal" in str(update[1]) for update in updates[:-1])
    assert "nothing to tell apart" in updates[-1][1]
    assert backstage.library.draft(ID) is None


def test_labels_that_are_several_lead_on_and_are_not_looked_at_again(
    backstage: Backstage, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = labels(tmp_path / "rows.jsonl", "one", "two")
    draft = draft_on(tiny_model, file, objective="classification", objective_for=str(file))
    this = form(backstage)
    moved, findings, *_ = last(this.advancing.leave_data(ID, *shown_of(this, draft)))
    ask_nobody(monkeypatch)
    again, *_ = last(this.advancing.leave_data(ID, *shown_of(this, draft)))

    assert (moved.selected, again.selected) == (METHOD, METHOD)
    assert f"{ROWS:,} rows" in findings


def test_what_is_looked_at_for_the_goal_can_be_stopped(
    backstage: Backstage, tiny_model: Path, tmp_path: Path
) -> None:
    file = labels(tmp_path / "rows.jsonl", "one", "two")
    draft = draft_on(tiny_model, file, objective="classification", objective_for=str(file))
    this = form(backstage)
    shown = shown_of(this, draft)
    backstage.own_data.read(draft)
    with going_on_until_stopped():
        updates = this.advancing.leave_data(ID, *shown)
        next(update for update in updates if "Looking at the rows" in str(update[1]))
        list(this.intake.stop_or_read_again(ID, *shown))
        _, words, *_ = last(updates)

    assert "This was stopped" in words
    assert backstage.own_data.is_known(draft), "the file stays read in"


def test_start_goes_through_the_rows_in_another_process_and_leads_to_the_job(
    backstage: Backstage, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = draft_on(tiny_model, tiny.write_csv(tmp_path / "rows.csv", ROWS))
    this = form(backstage)
    backstage.own_data.read(draft)
    read_no_rows_here(monkeypatch)

    updates = list(this.advancing.start(ID, *shown_of(this, draft)))
    job, words, *_ = updates[-1]

    assert any("Getting ready: Row" in str(update[1]) for update in updates)
    assert words == ""
    kept = backstage.library.draft(ID)
    assert kept is not None
    assert kept.value["started"] == int(job)
    frozen = backstage.orders.queue.store.job(int(job)).spec["spec"]["data"]
    assert frozen["columns"] == {"prompt": "question", "response": "answer"}
    assert frozen["split"]


def test_a_stopped_start_queues_nothing(
    backstage: Backstage, tiny_model: Path, tmp_path: Path
) -> None:
    draft = draft_on(tiny_model, tiny.write_csv(tmp_path / "rows.csv", ROWS))
    this = form(backstage)
    shown = shown_of(this, draft)
    backstage.own_data.read(draft)
    with going_on_until_stopped():
        updates = this.advancing.start(ID, *shown)
        next(updates)
        this.advancing.stop(ID, *shown)
        job, words, *_ = last(updates)

    assert (job, "nothing was put into the queue" in words) == ("", True)
    assert backstage.orders.queue.store.jobs() == []


def test_a_window_closed_after_start_has_started_it_all_the_same(
    backstage: Backstage, tiny_model: Path, tmp_path: Path
) -> None:
    draft = draft_on(tiny_model, tiny.write_csv(tmp_path / "rows.csv", ROWS))
    this = form(backstage)
    backstage.own_data.read(draft)
    updates = this.advancing.start(ID, *shown_of(this, draft))
    next(updates)
    updates.close()  # type: ignore[attr-defined]
    ends = time.monotonic() + 60
    while backstage.library.draft(ID) is None and time.monotonic() < ends:
        time.sleep(0.1)

    kept = backstage.library.draft(ID)
    assert kept is not None
    assert [job.id for job in backstage.orders.queue.store.jobs()] == [kept.value["started"]]


def test_next_waits_for_a_file_that_is_still_being_read_and_then_leads_on(
    backstage: Backstage, tiny_model: Path, tmp_path: Path
) -> None:
    draft = draft_on(tiny_model, tiny.write_csv(tmp_path / "rows.csv", ROWS))
    this = form(backstage)
    updates = list(this.advancing.leave_data(ID, *shown_of(this, draft)))

    assert "Reading the file" in updates[0][1]
    assert updates[-1][0].selected == METHOD


def test_next_says_nothing_of_a_file_that_was_taken_away_meanwhile(
    backstage: Backstage, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = draft_on(tiny_model, tmp_path / "header.csv")
    (tmp_path / "header.csv").write_text("question,answer\n", encoding="utf-8")
    this = form(backstage)
    backstage.library.save_draft(ID, draft.to_json())
    _, words, *_ = last(this.advancing.leave_data(ID, *shown_of(this, draft)))
    assert "no rows" in words

    def taken_away(*_: object) -> str:
        backstage.library.save_draft(ID, replace(draft, data_path="").to_json())
        return "header.csv has no rows"

    monkeypatch.setattr(this.advancing, "missing", taken_away)
    assert last(this.advancing.leave_data(ID, *shown_of(this, draft))) == [gr.skip()] * 6


def test_the_search_for_a_rate_goes_through_the_rows_elsewhere_too(
    backstage: Backstage, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = draft_on(tiny_model, tiny.write_csv(tmp_path / "rows.csv", 40))
    read_no_rows_here(monkeypatch)

    job = backstage.orders.find_rate(draft.to_spec())

    assert job.task == "find_rate"
