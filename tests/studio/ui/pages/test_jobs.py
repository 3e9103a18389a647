"""The Jobs page's own handlers, with a real queue and real files behind them."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from jobs import tables
from jobs.database import Database
from jobs.endings import Ending, EndingKind
from jobs.errors import BadJob, NoSuchJob
from jobs.models import DeviceSlot, Job, JobState
from jobs.processes import myself
from studio.errors import AskedWrongly
from studio.library import Note
from studio.settings import Home
from studio.ui import patience
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.pages import jobs
from studio.ui.pages.jobs_layout import Layout

SPEC = {
    "name": "Tone",
    "model": {"source": "starter"},
    "data": {"path": "/data/rows.csv", "columns": {"prompt": "q"}, "held_out": 0.2},
    "objective": {"name": "chat"},
    "method": {"name": "lora", "rank": 4},
    "training": {"epochs": 7, "batch_size": 4},
}


@pytest.fixture
def backstage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backstage:
    """What pages act on, in a home of the test's own; no dispatcher is started."""
    backstage = Backstage(Home(tmp_path / "home").prepare())
    monkeypatch.setattr(backstage.orders.queue, "ensure_dispatcher", lambda: None)
    return backstage


@pytest.fixture
def view(backstage: Backstage) -> jobs.View:
    """The page's view."""
    return jobs.View(backstage)


def asked_with(**query: str) -> Any:
    """A request whose page has this query in its address."""
    return SimpleNamespace(query_params=query)


def queued(backstage: Backstage, task: str = "train", name: str = "Tone", **spec: Any) -> Job:
    """A job in the real queue."""
    return backstage.orders.queue.store.enqueue(task, spec, name=name)


def failed(backstage: Backstage, job: Job, code: str, words: str) -> None:
    """Let the job fail with an error."""
    store = backstage.orders.queue.store
    claimed = store.claim([DeviceSlot("cpu:0", "cpu")], myself())
    assert claimed is not None
    assert claimed.id == job.id
    ending = Ending(EndingKind.RAISED, code=code, words=words)
    store.settle(job.id, str(claimed.lease_token), ending)


def is_skip(value: Any) -> bool:
    """Whether Gradio is told to leave a component as it is."""
    return bool(value == gr.skip())


def look(
    view: jobs.View, cursor: Any = None, words: str = "", **query: str
) -> tuple[dict[str, Any], Any]:
    """What a tick changes, by name, and the cursor after it."""
    *values, after = view.tick(cursor, words, asked_with(**query))
    by_name = dict(zip(Layout.OUTPUTS, values, strict=True))
    return {name: value for name, value in by_name.items() if not is_skip(value)}, after


def test_an_empty_queue_leads_to_the_first_training(view: jobs.View) -> None:
    shown = look(view)[0]

    assert "There are no jobs yet." in shown["table"]["html"]
    assert "no-job" in shown["detail"]  # by which the style sheet hides the card of the chosen job


def test_the_first_tick_shows_everything_and_the_next_only_what_changed(
    view: jobs.View, backstage: Backstage
) -> None:
    job = queued(backstage, name="<b>Tone</b>")
    folder = backstage.orders.queue.folder(job.id)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("first\n")

    shown, cursor = look(view)
    again, same = look(view, cursor)
    (folder / "log.txt").write_text("first\nsecond\n")
    after, _ = look(view, cursor)

    assert "&lt;b&gt;Tone&lt;/b&gt;" in shown["table"]["html"]
    assert "<h2>&lt;b&gt;Tone" in shown["detail"]
    assert shown["log"] == {"job": job.id, "from": 0, "to": 6, "first": True, "text": "first\n"}
    assert (again, same) == ({}, cursor)
    assert after == {
        "log": {"job": job.id, "from": 6, "to": 13, "first": False, "text": "second\n"}
    }


def test_of_a_long_log_the_end_is_shown(view: jobs.View, backstage: Backstage) -> None:
    job = queued(backstage)
    folder = backstage.orders.queue.folder(job.id)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("x" * 200_000 + "the end")

    log = look(view)[0]["log"]

    assert log["first"]
    assert log["to"] == 200_007
    assert len(log["text"]) == jobs.LOG_BYTES
    assert log["text"].endswith("the end")


def test_the_job_in_the_address_is_shown(view: jobs.View, backstage: Backstage) -> None:
    first, _ = queued(backstage, name="One"), queued(backstage, name="Two")

    assert "<h2>One" in look(view, job=str(first.id))[0]["detail"]
    assert "<h2>Two" in look(view, job="no number")[0]["detail"]


def test_a_hidden_window_asks_rarely_and_is_told_only_what_ended(
    view: jobs.View, backstage: Backstage
) -> None:
    job = queued(backstage)
    _, cursor = look(view)
    first, cursor = look(view, {**cursor, "hidden": True})
    failed(backstage, job, "crash", "The sum is off.\nMore.")
    second, _ = look(view, {**cursor, "hidden": True})

    assert (set(first), first["pace"].value) == ({"pace"}, jobs.SLOW_S)
    assert second["news"] == [[f"{job.id}-1-failed", "Tone", "The sum is off."]]


def test_the_window_looks_often_only_while_something_may_change_at_any_moment(
    view: jobs.View, backstage: Backstage
) -> None:
    store, slots = backstage.orders.queue.store, [DeviceSlot("cpu:0", "cpu")]
    job = queued(backstage)
    assert look(view)[0]["pace"].value == jobs.FAST_S

    store.schedule(job.id, run_after=time.time() + 3600)
    assert store.claim(slots, myself()) is None, "whoever places jobs says what it waits for"
    assert look(view)[0]["pace"].value == jobs.SLOW_S

    store.schedule(job.id)
    following = store.enqueue("train", {}, after=job.id)
    store.claim([], myself())
    assert store.job(following.id).waiting_for is not None
    assert look(view)[0]["pace"].value == jobs.FAST_S, "the one before it may be done any moment"

    assert store.claim(slots, myself()) is not None
    assert look(view)[0]["pace"].value == jobs.FAST_S


def test_a_cursor_that_makes_no_sense_is_a_new_one() -> None:
    for value in (None, 7, {}, {"job": 1, "mood": "good"}):
        assert isinstance(jobs.Cursor.read(value), jobs.Cursor)


def visible(shown: dict[str, Any]) -> set[str]:
    """The names of the buttons that can be pressed."""
    return {name for name in Layout.BUTTONS if name in shown and shown[name].visible}


def test_the_buttons_are_those_that_go_with_the_state(
    view: jobs.View, backstage: Backstage
) -> None:
    job = queued(backstage)
    request = asked_with(job=str(job.id))
    states = {
        None: {"pause", "cancel", "clone"},
        "pause": {"resume", "cancel", "clone"},
        "cancel": {"retry", "clone"},
    }

    for verb, expected in states.items():
        if verb:
            view.act(verb)(request)
        assert visible(look(view, job=str(job.id))[0]) == expected


def test_waiting_jobs_are_moved_as_asked_and_shown_as_they_will_run(
    view: jobs.View, backstage: Backstage
) -> None:
    first, second, third = (queued(backstage, name=name) for name in ("One", "Two", "Three"))

    view.asked({"verb": "before", "job": str(third.id), "other": str(first.id)})
    view.asked({"verb": "after", "job": first.id, "other": second.id})
    table = look(view)[0]["table"]["html"]

    assert table.index("Three") < table.index("Two") < table.index("One")
    with pytest.raises(NoSuchJob):
        view.asked({"verb": "before", "job": "x", "other": "1"})


def test_a_star_and_a_note_are_kept_and_can_be_searched_for(
    view: jobs.View, backstage: Backstage
) -> None:
    one, two = queued(backstage, name="One"), queued(backstage, name="Two")
    view.asked({"verb": "star", "job": one.id, "other": None})
    view.write_note("the <good> one", asked_with(job=str(two.id)))

    assert backstage.library.notes.all() == {1: Note("", True), 2: Note("the <good> one")}
    assert "the &lt;good&gt; one" in look(view)[0]["table"]["html"]
    assert "One" not in look(view, words="GOOD")[0]["table"]["html"]
    assert "Two" not in look(view, words="*")[0]["table"]["html"]
    assert "No job has these words" in look(view, words="nothing of it")[0]["table"]["html"]


def test_a_note_is_sent_once_so_that_typing_is_not_overwritten(
    view: jobs.View, backstage: Backstage
) -> None:
    job = queued(backstage)
    backstage.library.notes.write(job.id, "first")
    shown, cursor = look(view)
    backstage.library.notes.write(job.id, "second")

    assert shown["note"] == "first"
    assert "note" not in look(view, cursor)[0]


def test_a_failure_shows_its_card_and_a_click_carries_out_the_remedy(
    view: jobs.View, backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queued(backstage, "export")
    failed(backstage, job, "crash", "PermissionError: [Errno 13] Permission denied: '/x'")

    shown, _ = look(view)
    view.remedy(asked_with(job=str(job.id)))

    assert "A file or folder is closed to this program" in shown["problem"]
    assert (shown["remedy"].visible, shown["retry"].visible) == (False, True)
    assert backstage.orders.queue.store.job(job.id).state == JobState.QUEUED


def test_a_remedy_that_is_more_than_once_again_has_its_own_button(
    view: jobs.View, backstage: Backstage
) -> None:
    job = queued(backstage, spec=SPEC)
    failed(backstage, job, "not_finite", "The numbers broke down at step 3.")

    shown, _ = look(view)

    assert shown["remedy"].value == "Try again, learning ten times slower"
    assert shown["remedy"].visible


def test_a_run_is_copied_into_a_new_form(view: jobs.View, backstage: Backstage) -> None:
    job = queued(backstage, spec=SPEC)

    draft_id = view.clone(asked_with(job=str(job.id)))

    kept = backstage.library.draft(draft_id)
    assert kept is not None
    draft = Draft.from_json(kept.value)
    assert (draft.name, draft.method, draft.settings["lora"]["rank"]) == ("Tone", "lora", 4)
    assert (draft.training, draft.held_out) == ({"epochs": 7}, 0.2)
    assert draft.to_spec_json()["data"]["columns"] == {"prompt": "q"}


def test_a_job_is_set_for_the_night(view: jobs.View, backstage: Backstage) -> None:
    job = queued(backstage)
    first, cursor = look(view)
    view.schedule("22:00-06:00", "", asked_with(job=str(job.id)))
    second, _ = look(view, cursor)

    assert (first["when"].value, first["when"].visible) == ("", True)
    assert second["when"].value == "22:00-06:00"
    with pytest.raises(BadJob, match="Write them as"):
        view.schedule("tonight", "", asked_with(job=str(job.id)))


def test_a_job_is_set_for_a_day_and_keeps_its_hours(view: jobs.View, backstage: Backstage) -> None:
    job = queued(backstage)
    store = backstage.orders.queue.store
    view.schedule("22:00-06:00", "2099-12-24 18:00", asked_with(job=str(job.id)))
    shown, _ = look(view)

    assert (shown["not_before"].value, shown["not_before"].visible) == ("2099-12-24 18:00", True)
    assert store.claim([DeviceSlot("cpu:0", "cpu")], myself()) is None
    assert store.job(job.id).waiting_for == "24 Dec, 18:00, as it was set"
    # Leaving the field as it is changes nothing.
    count = len(store.events(job.id))
    view.schedule("22:00-06:00", "2099-12-24 18:00", asked_with(job=str(job.id)))
    assert len(store.events(job.id)) == count
    view.schedule("", "", asked_with(job=str(job.id)))
    assert store.claim([DeviceSlot("cpu:0", "cpu")], myself()) is not None


def test_only_trainings_are_copied(view: jobs.View, backstage: Backstage) -> None:
    queued(backstage, "export")
    with pytest.raises(AskedWrongly, match="Only a training"):
        view.clone(asked_with())


def test_chosen_runs_are_compared_with_their_differences_marked(
    view: jobs.View, backstage: Backstage
) -> None:
    for rank in (4, 8):
        method = {"name": "lora", "rank": rank}
        job = queued(backstage, name=f"Rank {rank}", spec={**SPEC, "method": method})
        folder = backstage.orders.queue.folder(job.id)
        folder.mkdir(parents=True)
        lines = [f'{{"step": {n}, "total_steps": 3, "loss": {rank / n}}}\n' for n in (1, 2, 3)]
        (folder / "metrics.jsonl").write_text("".join(lines))

    shown = look(view, compare="1,2,2,99,x")[0]["comparison"]

    assert '<tr class="differs"><th scope="row">method.rank</th><td>4</td><td>8</td></tr>' in shown
    assert '<tr><th scope="row">method.name</th><td>lora</td><td>lora</td></tr>' in shown
    assert shown.count("<polyline") == 2
    assert "comparison" not in look(view, compare="1")[0] or not look(view)[0]["comparison"]


def test_the_whole_log_is_searched_and_the_report_is_made(
    view: jobs.View, backstage: Backstage
) -> None:
    job = queued(backstage)
    folder = backstage.orders.queue.folder(job.id)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("Step 1/2  loss 2\nthe needle\n")

    assert "     2  the needle" in view.search_log("NEEDLE", asked_with())
    assert "Step 1/2  loss 2" in view.report(asked_with())
    assert "needle" not in view.report(asked_with())


def test_a_thousand_jobs_are_listed_and_sent_once(view: jobs.View, backstage: Backstage) -> None:
    store = backstage.orders.queue.store
    store.cancel(queued(backstage).id)
    with Database(store.path).writing() as connection:  # as a thousand such jobs would leave it
        row = dict(connection.execute(tables.jobs.select()).one()._mapping)
        connection.execute(tables.jobs.insert(), [{**row, "id": n} for n in range(2, 1001)])

    shown, cursor = look(view)
    again, _ = look(view, cursor)

    assert shown["past"]["html"].count("<tr data-row") == 100
    assert "The newest 100 of 1,000 are shown" in shown["past"]["html"]
    whole, _ = look(view, all="yes")
    assert whole["past"]["html"].count("<tr data-row") == 1000
    assert again == {}


def test_of_many_that_wait_the_next_are_shown_and_what_was_put_aside(
    view: jobs.View, backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "WAITING_SHOWN", 2)
    aside = queued(backstage, name="Aside")
    backstage.orders.queue.store.pause(aside.id)
    for name in ("One", "Two", "Three"):
        queued(backstage, name=name)

    shown = look(view)[0]["table"]["html"]

    assert [name in shown for name in ("One", "Two", "Three", "Aside")] == [True, True, False, True]
    assert "The next 2 of 3 that wait are shown" in shown
    assert "Three" in look(view, all="yes")[0]["table"]["html"]
    assert "Three" in look(view, words="three")[0]["table"]["html"]


def test_while_the_database_is_busy_all_that_is_shown_stays_and_after_a_while_it_says_so(
    view: jobs.View, backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STALE_S", 0.0)
    backstage.orders.queue.store.pause(queued(backstage).id)
    _, cursor = look(view)
    monkeypatch.setattr(backstage.orders.queue.store._database, "patience_s", 0.0)
    other = sqlite3.connect(backstage.home.database)
    other.execute("BEGIN EXCLUSIVE")
    during, cursor = look(view, cursor)
    other.close()
    after, _ = look(view, cursor)

    assert set(during) == {"stale", "pace"}
    assert "Another program keeps the database busy" in during["stale"]
    assert set(after) == {"stale", "pace"}
    assert after["stale"] == ""
