"""The task `train`: from an order to an adapter in PEFT's form, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from jobs.context import Stopped
from studio.devices import processor
from studio.errors import StudioError
from studio.library import Library
from studio.loggers import LOGGERS, Logger, LoggerSettings
from studio.settings import Home
from studio.spec import TrainSpec
from studio.tasks.train import train
from studio.tasks.train.making_ready import refuse_untried
from studio.worker.bench import Bench
from studio.worker.kinds import KINDS
from studio.worker.rows import encoded_rows
from tests import tiny
from tests.studio.runs import context, make_order


def test_a_run_leaves_all_that_is_needed_to_understand_it(trained_home: Home) -> None:
    folder = trained_home.run(1)

    assert (folder / "adapter" / "adapter_config.json").is_file()
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    assert order["spec"]["data"]["dataset"]
    assert order["base"]["revision"].startswith("files:")
    assert (trained_home.run(2) / "model" / "model.safetensors").is_file()


def test_the_result_counts_what_was_done(tmp_path: Path, tiny_model: Path, rows_csv: Path) -> None:
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv)

    result = train(context(home, 1, order.to_json()))

    assert result["steps"] == 10  # 19 rows in batches of 4, twice
    assert result["held_out"]["rows"] == 5
    assert result["held_out"]["loss_after"] < result["held_out"]["loss_before"]
    assert result["parameters"]["trainable"] < result["parameters"]["total"]
    assert result["measured"]["peak_bytes"] > 10**8


def test_the_next_estimate_on_this_machine_knows_what_this_run_measured(
    tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv)
    bench = Bench(home, 400_000_000)
    ask = KINDS["estimate"].answer
    before = ask(bench, order.spec.to_json(), None)

    result = train(context(home, 1, replace(order, predicted=before).to_json()))
    after = ask(bench, order.spec.to_json(), None)

    measured = result["measured"]
    (kept,) = Library(home).residuals.of_machine(processor().words)
    assert (kept.measured_bytes, kept.predicted_bytes) == (
        measured["peak_bytes"],
        before["memory"]["peak_bytes"],
    )
    assert kept.predicted_seconds == pytest.approx(before["learned"]["computed_cpu_seconds"])
    assert before["learned"]["words"] == ""
    assert after["learned"]["time_runs"] == 1
    assert "here took" in after["learned"]["words"]
    off_before, off_after = (
        abs(each["time"]["cpu_seconds"] - measured["cpu_seconds"]) for each in (before, after)
    )
    assert off_after <= off_before
    assert after["learned"]["computed_bytes"] == before["memory"]["peak_bytes"]


def test_a_chosen_logger_gets_the_curves_and_not_a_word_of_the_data(
    tmp_path: Path, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    class Sink:
        errors: tuple[type[Exception], ...] = ()

        def log(self, step: int, figures: Any) -> None:
            told.append((step, figures))

        def close(self, *, succeeded: bool) -> None:
            told.append(succeeded)

    def opened(settings: Any, about: Any) -> Sink:
        told.append((about.name, dict(about.config)))
        return Sink()

    logger = Logger("told", "Told", "Is told.", "json", "json", LoggerSettings, opened)
    monkeypatch.setitem(LOGGERS, "told", logger)
    home = Home(tmp_path / "home").prepare()
    order = make_order(home, tiny_model, rows_csv, max_steps=2)
    document = order.to_json() | {"spec": order.to_json()["spec"] | {"loggers": ["told"]}}

    train(context(home, 7, document))

    assert [each[0] for each in told[1:-1]] == [0, 1, 2]
    assert told[2][1].keys() >= {"loss", "learning_rate", "grad_norm"}
    assert (told[0][0], told[-1]) == ("Tiny (7)", True)
    words = json.dumps(told)
    assert all(each not in words for each in (str(tmp_path), str(tiny_model), "kettle", "rows.csv"))


def test_a_stop_saves_the_place_and_the_next_attempt_goes_on_from_there(
    tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv)
    stopping = context(home, 1, order.to_json())
    stopping.request_stop()

    with pytest.raises(Stopped):
        train(stopping)
    result = train(context(home, 1, order.to_json(), attempt=2))

    steps = [json.loads(line)["step"] for line in (home.run(1) / "metrics.jsonl").open()]
    assert steps == list(range(11))
    assert result["held_out"]["loss_before"] is not None


def test_after_a_kill_the_micro_batch_is_halved_and_the_steps_stay_the_same(
    tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv)

    result = train(context(home, 1, order.to_json(), crashes=1))

    assert result["memory"] == {
        "rows_at_a_time": 2,
        "tokens_at_a_time": None,
        "recomputes": False,
        "ran_out": True,
    }
    assert result["steps"] == 10


def test_a_model_that_was_changed_since_is_refused(tmp_path: Path, rows_csv: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    model = tiny.make_model(tmp_path / "model")
    order = make_order(home, model, rows_csv)
    tiny.make_model(model, seed=1)

    with pytest.raises(StudioError, match="changed since"):
        train(context(home, 1, order.to_json()))


def test_data_that_was_changed_since_is_refused(
    tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv)
    (arrow,) = home.datasets.glob("*/*.arrow")
    arrow.write_bytes(arrow.read_bytes().replace(b"kettle", b"cattle"))

    with pytest.raises(StudioError, match="changed on disk"):
        train(context(home, 1, order.to_json()))


def test_editing_the_file_after_queueing_changes_nothing(tmp_path: Path, tiny_model: Path) -> None:
    data = tiny.write_csv(tmp_path / "rows.csv", 24)
    home = Home(tmp_path / "home").prepare()
    order = make_order(home, tiny_model, data)
    data.write_text("gone", encoding="utf-8")

    assert train(context(home, 1, order.to_json()))["steps"] == 10


@pytest.mark.parametrize(
    ("method", "goes"),
    [
        ("full", True),
        ("lora", True),
        ("qlora", True),
        ("ia3", True),
        ({"name": "lora", "init": "pissa"}, False),
        ("adalora", False),
    ],
)
def test_a_model_in_parts_goes_with_the_methods_that_were_tried_on_one(
    method: Any, goes: bool
) -> None:
    training = {"processes": 2, "sharding": "fsdp"}
    spec = TrainSpec.parse({"method": method, "training": training})
    if goes:
        refuse_untried(spec, torch.device("cpu"))
        return
    with pytest.raises(StudioError, match="was not tried on a model that is spread"):
        refuse_untried(spec, torch.device("cpu"))


def test_packing_that_would_mix_rows_is_refused(
    tmp_path: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home").prepare()
    model = tiny.make_model(tmp_path / "model")
    order = make_order(home, model, rows_csv, packing="on")
    monkeypatch.setattr("studio.training.probe.keeps_documents_apart", lambda *_: False)

    with pytest.raises(StudioError, match="does not keep packed rows apart"):
        train(context(home, 1, order.to_json()))


def test_a_base_with_a_broken_number_is_refused_before_training(
    tmp_path: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path / "home").prepare()
    folder = tiny.make_model(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    order = make_order(home, folder, rows_csv)

    with pytest.raises(StudioError, match=r"1 of the 32 numbers of model\.norm\.weight"):
        train(context(home, 1, order.to_json()))
    assert not (home.run(1) / "metrics.jsonl").exists()


def test_a_batch_that_does_not_fit_even_at_one_row_ends_in_words(
    tmp_path: Path, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never_enough(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("transformers.models.llama.modeling_llama.LlamaMLP.forward", never_enough)
    home = Home(tmp_path).prepare()
    order = make_order(home, tiny_model, rows_csv)

    with pytest.raises(StudioError, match="Lower the longest length") as caught:
        train(context(home, 1, order.to_json()))
    assert caught.value.code == "out_of_memory"


def test_rows_longer_than_the_model_can_read_are_cut_where_it_ends_and_that_is_said(
    tmp_path: Path, rows_csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home").prepare()
    folder = tiny.make_model_of_places(tmp_path / "gpt2", places=70)
    method = {"name": "prompt_tuning", "virtual_tokens": 20}
    order = make_order(home, folder, rows_csv, method, max_length=512)

    result = train(context(home, 1, order.to_json()))

    assert result["held_out"]["loss_after"] > 0
    kept = json.loads((home.run(1) / "spec.json").read_text("utf-8"))
    assert kept["training"]["max_length"] == 50
    said = "This model can read 70 tokens at most: rows are cut after 50, not after 512."
    assert said in capsys.readouterr().out


def test_early_stopping_is_told_of_and_the_result_is_the_best_state(
    tmp_path: Path, tiny_model: Path, rows_csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path).prepare()
    # So high a rate that the held-out loss soon rises.
    order = make_order(
        home, tiny_model, rows_csv, learning_rate=1.0, epochs=20, eval_every=2, early_stopping=3
    )

    result = train(context(home, 1, order.to_json()))

    losses = {
        line["step"]: line["held_out_loss"]
        for line in map(json.loads, (home.run(1) / "metrics.jsonl").open())
        if line["step"] and line.get("held_out_loss") is not None
    }
    assert result["steps"] < 100
    assert result["kept_step"] == min(losses, key=lambda step: losses[step])
    assert result["held_out"]["loss_after"] == min(losses.values())
    assert f"Kept as it was after step {result['kept_step']}" in capsys.readouterr().out


def test_what_the_estimate_tokenised_is_known_to_the_run_and_changes_nothing(
    tmp_path: Path, tiny_model: Path, rows_csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = []
    for name in ("anew", "known"):
        home = Home(tmp_path / name).prepare()
        order = make_order(home, tiny_model, rows_csv)
        if name == "known":
            spec = TrainSpec.parse({**order.spec.to_json(), "data": {"path": str(rows_csv)}})
            bench = Bench(home, 0)
            encoded_rows(bench, spec, bench.base(str(tiny_model), None))
        train(context(home, 1, order.to_json()))
        weights = load_file(home.run(1) / "adapter" / "adapter_model.safetensors")
        results.append({key: value.tolist() for key, value in weights.items()})
        assert ("known from before" in capsys.readouterr().out) is (name == "known")

    assert results[0] == results[1]
