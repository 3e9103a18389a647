"""What each kind of question gives, asked without a process between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from studio.data.readers import open_source
from studio.errors import StudioError
from studio.estimator.surfaces import SURFACES
from studio.library import Library
from studio.methods import Base
from studio.settings import Home
from studio.spec import TrainSpec
from studio.training.survey import survey
from studio.worker.bench import Bench
from studio.worker.kinds import KINDS, trial
from tests import tiny
from tests.studio.models.ggufs import write_gguf


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that learns once what this machine's operations take."""
    return Home(tmp_path_factory.mktemp("kinds") / "home")


@pytest.fixture
def bench(home: Home) -> Bench:
    """What a worker keeps at hand, when it has just begun."""
    return Bench(home, 0)


def spec(model: Path, **data: Any) -> dict[str, Any]:
    """A spec as it travels."""
    return TrainSpec.parse({"model": {"source": str(model)}, "data": data}).to_json()


def test_each_kind_belongs_to_one_role() -> None:
    roles = {name: kind.role for name, kind in KINDS.items()}

    assert roles == {
        "describe": "model",
        "estimate": "model",
        "lengths": "model",
        "preview": "model",
        "survey": "model",
        "soon": "model",
        "tokens": "model",
        "trial": "model",
        "answer": "chat",
    }


def test_a_gguf_file_is_described_and_estimated_before_it_is_converted(
    bench: Bench, tiny_model: Path, rows_csv: Path, tmp_path: Path
) -> None:
    path = write_gguf(tiny_model, tmp_path / "tiny.gguf")
    wanted = spec(path, path=str(rows_csv)), spec(tiny_model, path=str(rows_csv))

    described = KINDS["describe"].answer(bench, str(path), None)
    of_file, of_folder = (KINDS["estimate"].answer(bench, each, None) for each in wanted)

    assert described["task"] == "convert"
    assert of_file["parameters"] == of_folder["parameters"]
    for part in ("weights", "adapter", "optimizer"):
        assert of_file["memory"]["parts"][part] == of_folder["memory"]["parts"][part]
    # The file's own tokenizer splits numbers into digits, so its rows are a little longer.
    assert 1 <= of_file["shape"]["tokens"] / of_folder["shape"]["tokens"] < 1.1


def test_a_preview_is_cut_where_training_cuts(
    bench: Bench, tiny_model: Path, rows_csv: Path
) -> None:
    wanted = spec(tiny_model, path=str(rows_csv))
    whole = KINDS["preview"].answer(bench, wanted, 1)[0]["tokens"]
    wanted["training"]["max_length"] = len(whole) - 4

    assert KINDS["preview"].answer(bench, wanted, 1)[0]["tokens"] == whole[:-4]


def test_rows_are_counted_in_tokens_as_training_cuts_them(
    bench: Bench, tiny_model: Path, rows_csv: Path
) -> None:
    kept = Library(bench.home).keep(open_source(rows_csv))
    columns = {"prompt": "question", "response": "answer"}
    wanted = spec(tiny_model, dataset=kept.hash, columns=columns)
    whole = KINDS["tokens"].answer(bench, wanted, 3, 5)
    wanted["training"]["max_length"] = whole[0][0] - 2
    cut = KINDS["tokens"].answer(bench, wanted, 3, 5)

    assert len(whole) == 5
    assert all(trained == left > 0 for _, trained, left in whole)
    # Behind the last trained token stands the template's line break.
    assert cut[0] == [whole[0][0], whole[0][1], whole[0][1] - 1]


def test_letters_of_several_tokens_are_shown_whole(
    bench: Bench, tiny_model: Path, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    rows = "".join(f"Frage {number},Größe ü {number} 漢字\n" for number in range(8))
    file.write_text(f"question,answer\n{rows}", encoding="utf-8")

    (row,) = KINDS["preview"].answer(bench, spec(tiny_model, path=str(file)), 1)
    trained = "".join(token["text"] for token in row["tokens"] if token["trained"])

    assert "Größe ü" in trained
    assert "漢字" in trained


def test_without_data_there_is_nothing_to_preview(bench: Bench, tiny_model: Path) -> None:
    assert KINDS["preview"].answer(bench, spec(tiny_model), 3) == []
    assert KINDS["lengths"].answer(bench, spec(tiny_model)) == {}


def test_the_templates_own_marks_are_told_from_the_text(
    bench: Bench, tiny_model: Path, rows_csv: Path
) -> None:
    (row,) = KINDS["preview"].answer(bench, spec(tiny_model, path=str(rows_csv)), 1)
    marks = {token["text"] for token in row["tokens"] if token["special"]}
    assert marks
    assert not any("question" in mark.lower() for mark in marks)


def test_the_lengths_say_what_a_shorter_limit_cuts_and_loses(
    bench: Bench, tiny_model: Path, rows_csv: Path
) -> None:
    wanted = spec(tiny_model, path=str(rows_csv))
    whole = KINDS["lengths"].answer(bench, wanted)
    assert (whole["rows"], whole["cut_rows"], whole["lost_rows"]) == (24, 0, 0)
    assert sum(each["rows"] for each in whole["bins"]) == 24
    wanted["training"]["max_length"] = whole["longest"] - 1
    shorter = KINDS["lengths"].answer(bench, wanted)
    assert 1 <= shorter["cut_rows"] <= 24
    assert shorter["lost_tokens"] == shorter["cut_rows"]
    wanted["training"]["max_length"] = 8
    assert KINDS["lengths"].answer(bench, wanted)["lost_rows"] > 0


def test_the_shorter_length_that_is_offered_holds_most_rows_whole_and_loses_none(
    bench: Bench, tiny_model: Path, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    long_question = "Is the kettle still in stock? " * 12
    rows = "".join(f"{question},{answer}\n" for question, answer in tiny.make_rows(39))
    file.write_text(f"question,answer\n{rows}{long_question},Yes.\n", encoding="utf-8")
    wanted = spec(tiny_model, path=str(file))

    found = KINDS["lengths"].answer(bench, wanted)
    covering = found["covering"]
    wanted["training"]["max_length"] = covering["max_length"]
    cut = KINDS["lengths"].answer(bench, wanted)

    # The long row's answer stands at its end: a length that cuts it off would train on nothing.
    assert cut["lost_rows"] == 0
    assert covering["cut_rows"] <= 1
    assert cut["covering"] is None


def test_a_question_to_a_run_that_is_not_there_says_so(bench: Bench) -> None:
    with pytest.raises(StudioError):
        KINDS["answer"].answer(bench, 12, "Hello?", 4)


def test_the_estimate_of_other_data_is_another(
    bench: Bench, tiny_model: Path, rows_csv: Path, tmp_path: Path
) -> None:
    few = tiny.write_csv(tmp_path / "few.csv", 12)

    counts = [
        KINDS["estimate"].answer(bench, spec(tiny_model, path=str(file)), None)["run"]["rows"]
        for file in (rows_csv, few)
    ]

    assert counts == [22, 11]


def test_a_survey_tells_methods_what_the_trainer_would(bench: Bench, tiny_model: Path) -> None:
    told = json.loads(json.dumps(KINDS["survey"].answer(bench, spec(tiny_model))))
    loaded = AutoModelForCausalLM.from_pretrained(tiny_model)

    assert Base.from_json(told) == survey(loaded)


def test_a_trial_is_kept_for_the_same_settings_on_other_rows(
    bench: Bench, tiny_model: Path, rows_csv: Path
) -> None:
    def tried(document: dict[str, Any], **training: Any) -> dict[str, Any]:
        changed = {**document, "training": {**document["training"], **training}}
        answer: dict[str, Any] = KINDS["trial"].answer(bench, changed)
        return answer

    first = tried(spec(tiny_model, path=str(rows_csv)))
    kept = set(trial._trials)
    again = tried(spec(tiny_model))
    longer = tried(spec(tiny_model), epochs=9, batch_size=2, learning_rate=1e-5)

    assert first["works"] is True
    assert first == again == longer
    assert set(trial._trials) == kept

    assert tried(spec(tiny_model), optimizer="sgd")["works"] is True
    assert len(trial._trials) == len(kept) + 1


def test_what_is_there_at_once_is_the_counts_and_then_the_whole_estimate(
    bench: Bench, tiny_model: Path, rows_csv: Path
) -> None:
    document = spec(tiny_model, path=str(rows_csv))
    fewer = {**document, "training": {**document["training"], "batch_size": 3}}

    before = KINDS["soon"].answer(bench, document)
    whole = KINDS["estimate"].answer(bench, document, None)
    while SURFACES.has_work:
        SURFACES.work()
    moved = KINDS["soon"].answer(bench, fewer)

    assert before == {"parameters": whole["parameters"]}
    assert moved["memory"]["tensor_bytes"] < whole["memory"]["tensor_bytes"]
    assert moved["shape"]["rows"] == 3


def test_a_model_of_the_hub_that_cannot_be_asked_for_says_so(bench: Bench) -> None:
    """Tests never ask the real Hub; one that is gated or not there is named by `models.fetch`."""
    with pytest.raises(StudioError, match="HF_HUB_OFFLINE") as found:
        KINDS["soon"].answer(bench, spec(Path("no/such-model")))

    assert found.value.code == "offline"
