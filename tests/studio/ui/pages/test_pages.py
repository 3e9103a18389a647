"""The pages' own handlers, with a real queue and real files behind them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from jobs.models import Job, JobState
from studio.errors import StudioError
from studio.formats import FORMATS
from studio.orders.continuing import leaves_adapter
from studio.settings import Home
from studio.spec import Base, TrainOrder, TrainSpec
from studio.ui import combining, runs
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.form import controls
from studio.ui.pages import PAGES, export, try_it
from studio.ui.steps import earlier_part
from tests import tiny
from tests.studio.ui.forms import form, shown_of


@pytest.fixture
def backstage(tmp_path: Path) -> Backstage:
    """What pages act on, in a home of the test's own."""
    return Backstage(Home(tmp_path / "home").prepare())


def asked_with(**query: str) -> Any:
    """A request whose page has this query in its address."""
    return SimpleNamespace(query_params=query)


def queued(backstage: Backstage, task: str = "train", name: str = "Tone", **spec: Any) -> Job:
    """A job in the real queue; no dispatcher is started."""
    return backstage.orders.queue.store.enqueue(task, spec, name=name)


def is_skip(value: Any) -> bool:
    """Whether Gradio is told to leave a component as it is."""
    return bool(value == gr.skip())


def test_the_pages_come_in_their_order_with_a_heading_and_an_icon_each() -> None:
    assert [page.title for page in PAGES] == ["New training", "Jobs", "Try it", "Export"]
    assert PAGES[0].path == ""


# New training.


def test_what_the_controls_show_is_the_draft_again(backstage: Backstage, tmp_path: Path) -> None:
    file = tiny.write_csv(tmp_path / "replies.csv")
    this = form(backstage)
    draft = Draft(
        name="Tone",
        model_from="path",
        model_path="/models/x",
        data_upload=str(file),
        columns={"prompt": "q", "response": "a", "system": "", "messages": ""},
        columns_for=str(file),
        held_out=0.2,
        settings={"lora": {"rank": 8, "layers": {"last": 2}, "targets": ["q_proj"]}},
        training={"epochs": 7, "learning_rate": 0.01},
    )

    _, again = this.read(("id", *shown_of(this, draft)))

    assert again.to_spec() == draft.to_spec()
    assert (again.name, again.columns_for) == (draft.name, draft.columns_for)


def test_a_new_form_gets_an_id_and_is_kept(backstage: Backstage) -> None:
    draft_id, *_ = form(backstage).open(asked_with())

    kept = backstage.library.draft(draft_id)
    assert kept is not None
    assert Draft.from_json(kept.value) == Draft()


def test_the_draft_in_the_address_is_opened_else_the_newest_that_was_not_started(
    backstage: Backstage,
) -> None:
    library = backstage.library
    library.save_draft("one", Draft(name="One").to_json())
    library.save_draft("two", Draft(name="Two").to_json())
    this = form(backstage)

    assert this.open(asked_with(draft="one"))[0] == "one"
    assert this.open(asked_with())[0] == "two"
    library.save_draft("two", Draft(name="Two", started=1).to_json())
    assert this.open(asked_with())[0] not in ("one", "two")


def test_a_step_that_is_not_done_keeps_the_person_there_with_words(backstage: Backstage) -> None:
    this = form(backstage)
    shown = ("id", *shown_of(this, Draft()))

    ((walkthrough, words, *_),) = this.advancing.leave_data(*shown)

    assert is_skip(walkthrough)
    assert "Choose a file with examples first." in words


def test_a_done_step_leads_on_and_is_remembered(backstage: Backstage) -> None:
    this = form(backstage)

    walkthrough, *_ = this.advancing.advance(0)("id", *shown_of(this, Draft()))

    assert walkthrough.selected == 1
    kept = backstage.library.draft("id")
    assert kept is not None
    assert kept.value["step"] == 1


def test_starting_with_a_step_undone_names_the_step_and_queues_nothing(
    backstage: Backstage,
) -> None:
    this = form(backstage)

    *_, (job, words, *_) = this.advancing.start("id", *shown_of(this, Draft()))

    assert job == ""
    assert "Data: Choose a file with examples first." in words
    assert backstage.orders.queue.store.jobs() == []


def test_figures_that_cannot_be_computed_say_which_setting_is_wrong(backstage: Backstage) -> None:
    this = form(backstage)

    _, _, line, *_ = this.estimating.at_once("id", *shown_of(this, Draft(training={"epochs": 0})))

    assert "Passes over your examples: Found 0; expected at least 1." in line


# Going on, trying several, combining.


def finished(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch, *methods: Any, source: str = "starter"
) -> list[Job]:
    """Trainings that are done, one by each of the methods."""
    done = []
    for method in methods:
        spec = TrainSpec.parse({"model": {"source": source}, "method": method, "name": "Tone"})
        order = TrainOrder(spec, Base(source, "1", "/there", "Tiny", None))
        job = queued(backstage, **order.to_json())
        done.append(replace(job, state=JobState.SUCCEEDED, ended_at=float(job.id)))
    known = {job.id: job for job in done}
    monkeypatch.setattr(backstage.orders, "finished", lambda: list(known.values()))
    monkeypatch.setattr(backstage.orders, "require_finished", lambda number: known[number])
    return done


def test_a_form_goes_on_from_a_finished_training_with_its_method_and_settings(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = finished(backstage, monkeypatch, {"name": "lora", "rank": 4})
    this = form(backstage)

    draft_id, *_ = this.open(asked_with(**{"from": str(job.id)}))

    kept = backstage.library.draft(draft_id)
    assert kept is not None
    spec = Draft.from_json(kept.value).to_spec()
    assert (spec.model.adapter, spec.model.adapter_use) == (job.id, "train")
    assert (spec.method.name, spec.method.settings.model_dump()["rank"]) == ("lora", 4)


def test_only_trainings_of_the_chosen_base_that_left_an_adapter_can_be_gone_on_from(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora, _, ia3 = finished(backstage, monkeypatch, "lora", "full", "ia3")
    jobs = backstage.orders.finished()

    card, run, use = earlier_part.shown(Draft(adapter=str(lora.id)), jobs)
    assert card.visible
    assert [number for _, number in run.choices] == ["", str(ia3.id), str(lora.id)]
    assert (run.value, use.visible) == (str(lora.id), True)

    card, run, use = earlier_part.shown(
        Draft(model_from="hub", model_hub="a/b", adapter=str(lora.id)), jobs
    )
    assert (card.visible, run.value, use.visible) == (False, "", False)
    assert "none of your finished trainings" in earlier_part.missing(Draft(adapter="my run"))


def test_a_list_of_trainings_holds_when_it_is_opened_what_has_finished_by_then(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora, full = finished(backstage, monkeypatch, "lora", "full")

    update = runs.offered_now(backstage, lambda job: True)
    assert [number for _, number in update.choices] == [str(full.id), str(lora.id)]
    assert "value" not in update._constructor_args[0], "what was chosen stays chosen"
    update = runs.offered_now(backstage, leaves_adapter)
    assert [number for _, number in update.choices] == [str(lora.id)]


def test_a_chosen_training_brings_its_method_along_where_its_adapter_learns_on(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = finished(backstage, monkeypatch, {"name": "qlora", "rank": 4})
    this = form(backstage)

    use, method, said, bits = this.adapter_chosen(str(job.id), "train", '{"lora": {"rank": 2}}')
    assert use.visible
    assert (method, bits) == ("qlora", "")
    settings = json.loads(said)
    assert (settings["qlora"]["rank"], settings["lora"]["rank"]) == (4, 2)

    _, *kept = this.adapter_chosen(str(job.id), "merge", "{}")
    assert all(map(is_skip, kept))


def test_what_cannot_go_on_keeps_the_person_at_the_method_with_words(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = finished(backstage, monkeypatch, "lora")
    monkeypatch.setattr(
        "studio.orders.desk.resolve",
        lambda *_: SimpleNamespace(
            source="starter", revision="1", folder="/there", title="Tiny", licence=None
        ),
    )
    this = form(backstage)
    draft = Draft(adapter=str(job.id), method="ia3", data_from="starter")

    assert "by the same method only" in this.advancing.missing(2, draft)
    assert this.advancing.missing(2, replace(draft, method="lora")) == ""
    assert this.advancing.missing(2, replace(draft, adapter_use="merge")) == ""


def test_others_of_the_same_base_can_be_asked_as_well(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = finished(backstage, monkeypatch, "lora", "ia3")
    view = try_it.View(backstage)
    asked: list[Any] = []

    class Worker:
        def answer(self, run: int, question: str, *, others: Any) -> dict[str, Any]:
            asked.append((run, question, others))
            named = {"run": second.id, "name": "<Tone>", "text": "Yes.", "labels": []}
            return {"base": "a", "tuned": "b", "others": [named]}

    monkeypatch.setitem(vars(backstage), "_chat_worker", Worker())
    also = view.others(str(first.id))
    shown = view.answer(str(first.id), "Is it?", [str(second.id), str(first.id)])

    assert [number for _, number in also.choices] == [str(second.id)]
    assert also.visible
    assert asked == [(first.id, "Is it?", [second.id])]
    assert "&lt;Tone&gt;" in shown
    assert "Yes." in shown


def test_two_trainings_that_left_adapters_can_be_combined(
    backstage: Backstage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = finished(backstage, monkeypatch, "lora", "full")
    card, parts = combining.opened(backstage)
    assert (card.visible, [number for _, number in parts.choices]) == (False, [str(first.id)])

    finished(backstage, monkeypatch, "lora", "lora")
    assert combining.opened(backstage)[0].visible


# Try it and Export.


def test_without_a_finished_training_both_pages_lead_to_the_first(backstage: Backstage) -> None:
    view = export.View(backstage, {})

    assert view.open(asked_with())[0] == runs.NOTHING
    assert try_it.View(backstage).open(asked_with())[0] == runs.NOTHING


def test_an_empty_question_is_not_asked(backstage: Backstage) -> None:
    with pytest.raises(StudioError, match="Type a question first"):
        try_it.View(backstage).answer("1", "  ")


def test_answers_stay_text() -> None:
    shown = try_it.answers_html({"base": "<b>", "tuned": ""})

    assert "&lt;b&gt;" in shown
    assert "(an empty answer)" in shown


def test_an_export_of_a_training_that_is_not_finished_is_refused(backstage: Backstage) -> None:
    job = queued(backstage)
    settings = {name: list(controls(each.settings)) for name, each in FORMATS.items()}
    count = sum(map(len, settings.values()))

    with pytest.raises(StudioError, match="not a finished training"):
        export.View(backstage, settings).start(str(job.id), "adapter", *[None] * count)


def test_a_verified_export_says_so_and_one_that_is_not_warns() -> None:
    difference = {"argmax_equal": 1.0, "max_logit": 1.2e-5}
    good = export.verified_html({"verified": True, "difference": difference})

    assert "Verified." in good
    assert "same next word in 100 % of all places" in good
    assert "not verified" in export.verified_html({"verified": False})


def test_the_exports_of_a_training_are_its_own_newest_first(backstage: Backstage) -> None:
    for run in (1, 2, 1):
        queued(backstage, "export", job=run, format="adapter")

    assert [job.id for job in export.exports_of(backstage, 1)] == [3, 1]


def test_a_failed_export_shows_why(backstage: Backstage) -> None:
    job = queued(backstage, "export", job=1, format="merged")
    backstage.orders.queue.store.cancel(job.id)

    card = export.export_html(backstage.orders.queue.store.job(job.id), "It was cancelled.")

    assert "Whole model (merged)" in card
    assert "It was cancelled." in card


def test_only_the_folder_of_a_job_can_be_shown(backstage: Backstage) -> None:
    job = queued(backstage)

    for wanted in ("", "/etc", str(job.id), "999"):
        with pytest.raises(Exception, match=r"There is no job|has no export"):
            export.View(backstage, {}).show({"wanted": wanted})
