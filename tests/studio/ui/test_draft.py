"""The half-filled form: kept as JSON, made into a spec."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio.errors import AskedWrongly
from studio.ui.draft import STARTER_DATA, Draft


def test_an_empty_form_asks_for_the_starter_model_and_lora() -> None:
    spec = replace(Draft(), data_from="starter").to_spec()

    assert spec.model.source == "starter"
    assert spec.method.name == "lora"
    assert spec.data.path == str(STARTER_DATA)


def test_a_draft_survives_its_row() -> None:
    draft = Draft(name="Tone", step=2, columns={"prompt": "q"}, settings={"lora": {"rank": 8}})

    assert Draft.from_json(draft.to_json()) == draft


def test_what_a_newer_program_wrote_is_left_out() -> None:
    assert Draft.from_json({"name": "Tone", "mood": "good"}) == Draft(name="Tone")


def test_bits_chosen_by_hand_go_into_the_spec_and_back_and_are_the_method_s_otherwise() -> None:
    draft = replace(Draft(), data_from="starter")
    chosen = replace(draft, quantization="int8")

    assert draft.to_spec().model.quantization == "none"
    assert replace(draft, method="qlora").to_spec().model.quantization == "nf4"
    assert chosen.to_spec().model.quantization == "int8"
    assert Draft.of_spec(chosen.to_spec().to_json()).quantization == "int8"
    assert Draft.of_spec(draft.to_spec().to_json()).quantization == ""


def test_columns_chosen_by_hand_hold_for_their_file_only() -> None:
    draft = Draft(
        data_upload="/a.csv", columns={"prompt": "q", "system": ""}, columns_for="chat: /a.csv"
    )

    assert draft.chosen_columns == {"prompt": "q"}
    assert replace(draft, data_upload="/b.csv").chosen_columns is None
    assert replace(draft, objective="text").chosen_columns is None


@pytest.mark.parametrize(
    "typed", ['"/data/my file.csv"', " /data/my file.csv ", "'/data/my file.csv'"]
)
def test_a_pasted_path_loses_its_quotes(typed: str) -> None:
    assert Draft(data_from="path", data_path=typed).data_file == "/data/my file.csv"


def test_only_the_chosen_methods_settings_go_into_the_spec() -> None:
    draft = Draft(method="full", settings={"lora": {"rank": 8}, "full": {}})

    assert draft.to_spec_json()["method"] == {"name": "full"}


def test_all_impossible_values_are_named_at_once() -> None:
    draft = Draft(held_out=2.0, training={"epochs": 0}, settings={"lora": {"rank": 0}})

    with pytest.raises(AskedWrongly) as error:
        draft.to_spec()
    fields = {problem.field for problem in error.value.fields}
    assert fields == {"data.held_out", "training.epochs", "method.rank"}


def test_a_training_without_a_name_gets_one_that_says_what_it_is() -> None:
    assert Draft(data_upload="/x/replies.csv").title == "replies, LoRA"
    assert Draft(name=" Tone ").title == "Tone"
