"""The steps of a new training: what each shows of a draft, and when it lets a person go on."""

from __future__ import annotations

import html
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from jobs.models import DeviceSlot
from studio.methods import METHODS
from studio.methods.advice import Advice, advise
from studio.settings import Home
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.own_data import OwnData
from studio.ui.steps import data_step, method_step, model_step, picker_part, review_step, step
from tests import tiny


def text(markup: str) -> str:
    """What a person reads."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that is there."""
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def data(home: Home) -> OwnData:
    """What is behind the form in that home."""
    return Backstage(home).own_data


def draft_on(file: Path) -> Draft:
    """A draft with that data file."""
    return Draft(data_from="path", data_path=str(file))


# Model.


def test_the_starter_model_is_described_from_its_file(home: Home) -> None:
    said = text(model_step.card_html(Draft(), home))

    assert "SmolLM2 135M Instruct" in said
    assert "135 million" in said
    assert model_step.missing(Draft(), home) == ""


def test_a_folder_that_is_no_model_is_explained_and_keeps_the_step(
    home: Home, tmp_path: Path
) -> None:
    draft = Draft(model_from="path", model_path=str(tmp_path))

    assert "config.json" in text(model_step.card_html(draft, home))
    assert "config.json" in model_step.missing(draft, home)


def test_nothing_chosen_and_no_name_of_the_hub_keep_the_step(home: Home) -> None:
    assert model_step.missing(Draft(model_from="path"), home)
    assert "owner/name" in model_step.missing(Draft(model_from="hub", model_hub="x"), home)


def test_a_model_of_the_hub_is_said_to_be_downloaded_first(home: Home) -> None:
    draft = Draft(model_from="hub", model_hub="owner/name")

    assert "downloaded when the training starts" in text(model_step.card_html(draft, home))
    assert model_step.missing(draft, home) == ""


# Data.


def test_a_good_file_is_recognised_and_lets_on(tmp_path: Path, data: OwnData) -> None:
    draft = draft_on(tiny.write_csv(tmp_path / "replies.csv", 24))
    _, _, findings, _, preview, *more = data_step.shown(draft, data)
    prompt, response = (
        more[[role.name for role in data_step.ROLES].index(name)] for name in ("prompt", "response")
    )

    assert "24 rows, 2 columns." in text(findings)
    assert "usual for question and answer" in text(preview)
    assert (prompt.value, response.value) == ("question", "answer")
    assert data_step.missing(draft, data) == ""


def test_the_goal_is_the_one_that_the_file_is_recognised_for(tmp_path: Path, data: OwnData) -> None:
    file = tiny.write_jsonl(tmp_path / "rows.jsonl", tiny.make_rows_of("classification"))

    found = data.recognised(draft_on(file))

    assert (found.objective, found.objective_for) == ("classification", str(file))
    by_hand = replace(found, objective="text")
    assert data.recognised(by_hand).objective == "text"


def test_a_goal_that_the_rows_cannot_teach_is_explained(tmp_path: Path, data: OwnData) -> None:
    rows = [{**row, "label": "same"} for row in tiny.make_rows_of("classification")]
    file = tiny.write_jsonl(tmp_path / "rows.jsonl", rows)

    draft = replace(draft_on(file), objective="classification", objective_for=str(file))

    assert "nothing to tell apart" in data_step.missing(draft, data)


def test_a_model_that_does_not_suit_the_goal_is_named_with_what_does(
    home: Home, tiny_model: Path, tmp_path: Path
) -> None:
    writes = Draft(model_from="path", model_path=str(tiny_model))
    reads_first = replace(writes, model_path=str(tiny.make_encoder_decoder(tmp_path / "t5")))

    assert "such as T5" in model_step.unsuited(replace(writes, objective="seq2seq"), home)
    assert "such as Llama" in model_step.unsuited(reads_first, home)
    assert model_step.unsuited(replace(reads_first, objective="seq2seq"), home) == ""
    assert model_step.unsuited(replace(reads_first, objective="classification"), home) == ""


def test_columns_chosen_by_hand_are_taken(tmp_path: Path, data: OwnData) -> None:
    file = tiny.write_csv(tmp_path / "x.csv", 24, columns=("eins", "zwei"))
    by_hand = replace(
        draft_on(file), columns={"prompt": "zwei", "response": "eins"}, columns_for=f"chat: {file}"
    )

    found = data.found(by_hand)

    assert dict(found.mapping.roles) == {"prompt": "zwei", "response": "eins"}
    assert found.mapping.reason == "Chosen by hand."


def test_a_changed_file_is_read_again(tmp_path: Path, data: OwnData) -> None:
    file = tiny.write_csv(tmp_path / "replies.csv", 24)
    before = len(data.found(draft_on(file)).table.rows)
    tiny.write_csv(file, 30)

    assert (before, len(data.found(draft_on(file)).table.rows)) == (24, 30)


def test_no_file_and_a_missing_file_keep_the_step(tmp_path: Path, data: OwnData) -> None:
    assert data_step.missing(Draft(), data) == "Choose a file with examples first."
    assert "There is no file" in data_step.missing(draft_on(tmp_path / "gone.csv"), data)


def test_what_stands_in_a_file_stays_text(tmp_path: Path, data: OwnData) -> None:
    file = tmp_path / "x.csv"
    file.write_text("question,answer\n" + "<script>x</script>,<b>y</b>\n" * 9)

    assert "<script>" not in "".join(map(str, data_step.shown(draft_on(file), data)))


# Method.


@pytest.mark.parametrize("name", [*METHODS])
def test_the_chosen_methods_words_and_settings_are_shown(name: str) -> None:
    known, about, settings, problems = method_step.shown(Draft(method=name), None)

    assert METHODS[name].paragraph in text(about)
    assert f"Settings of {METHODS[name].title}" in text(settings["html"])
    assert known.value == name
    assert problems == ""


def test_the_usual_method_comes_first() -> None:
    assert picker_part.well_known()[0].name == "lora"


def test_all_methods_are_listed_by_family_each_once() -> None:
    families = [method.family for method in picker_part.by_family()]

    assert len(families) == len(METHODS)
    assert [family for family, _ in itertools.groupby(families)] == list(dict.fromkeys(families))


@pytest.mark.parametrize("name", [*METHODS])
def test_a_method_says_what_it_can_and_cannot_do(name: str) -> None:
    method = METHODS[name]
    said = text(picker_part.about_html(name))

    assert ("can be merged" in said) is method.is_mergeable
    assert ("line of its own" in said) is not method.packs


def test_taken_advice_sets_the_method_and_only_its_own_settings() -> None:
    said = json.dumps({"lora": {"rank": 64, "alpha": 8}, "ia3": {"layers": "last 2"}})
    *_, told = picker_part.advised(advise(50, "quality", "one"))

    method, after, quantization, *training = picker_part.taken(told, said)

    assert (method, quantization) == ("lora", "")
    assert json.loads(after) == {
        "lora": {"rank": 8, "alpha": 16, "dropout": 0.05},
        "ia3": {"layers": "last 2"},
    }
    assert training == [gr.skip()] * 3


def test_taken_advice_of_a_smaller_training_sets_that_too() -> None:
    smaller = {"batch_size": 1, "gradient_accumulation": 4, "gradient_checkpointing": True}
    *_, told = picker_part.advised(Advice("oft", "It fits.", {}, smaller, "nf4"))

    method, _, quantization, *training = picker_part.taken(told, "{}")

    assert (method, quantization, training) == ("oft", "nf4", [1, 4, True])


@pytest.mark.parametrize("name", [*METHODS])
def test_the_advised_method_is_marked_and_comes_before_the_best_known(name: str) -> None:
    offered = picker_part.choices(name)

    assert offered[0] == (f"{METHODS[name].title} · advised\n{METHODS[name].sentence}", name)
    assert {method.name for method in picker_part.well_known()} <= {each for _, each in offered}
    assert len(offered) == len({each for _, each in offered})
    assert sum("advised" in words for words, _ in offered) == 1


def test_advice_names_what_it_sets() -> None:
    said = picker_part.advice_html(Advice("oft", "It fits.", {}, {"batch_size": 1}, "nf4"))

    assert "OFT (the model held as nf4, one example at a time). It fits." in text(said)


def test_settings_that_cannot_be_used_are_named_as_the_form_names_them() -> None:
    draft = Draft(training={"epochs": 0}, settings={"lora": {"rank": 0}})

    said = method_step.problems(draft)

    assert "Passes over your examples: Found 0; expected at least 1." in said
    assert "Capacity of the adapter: Found 0; expected at least 1." in said


def test_several_processes_and_what_goes_with_them_can_be_chosen_on_the_page() -> None:
    offered = {each.name for each in method_step.training_controls()}
    alone = method_step.problems(Draft(training={"sharding": "fsdp"}))

    assert {"processes", "sharding", "offload"} <= offered
    assert "Spread the model over the processes: It spreads the model over several" in alone
    assert method_step.problems(Draft(training={"sharding": "fsdp", "processes": 2})) == ""


def test_what_this_machine_does_not_have_is_said_at_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("studio.devices.slots", lambda: [DeviceSlot("cpu:0", "cpu")])

    said = method_step.problems(Draft(training={"offload": "auto"}))

    assert said.startswith(
        "Frozen layers outside the GPU: Offloading keeps frozen layers off a GPU"
    )
    assert "this machine has none" in said


# Review.


def test_the_review_says_everything_that_was_chosen(tmp_path: Path, data: OwnData) -> None:
    draft = draft_on(tiny.write_csv(tmp_path / "replies.csv", 24))
    assert "replies.csv, not read in yet" in text(review_step.shown(draft, data)[1])
    data.read(draft)
    name, summary, spec = review_step.shown(draft, data)

    assert name.placeholder == "replies, LoRA"
    assert "SmolLM2 135M Instruct" in text(summary)
    assert "replies.csv: All 24 rows are ready." in text(summary)
    assert "LoRA, 3 passes over the examples, capacity of the adapter 16" in text(summary)
    assert "&quot;version&quot;: 1" in spec


def test_messages_are_text() -> None:
    assert step.problem_html("") == ""
    assert "&lt;b&gt;" in step.problem_html("<b>")
    assert "&lt;b&gt;" in step.facts_html([("a", "<b>")])
