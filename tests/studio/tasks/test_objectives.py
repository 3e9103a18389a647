"""Every objective from its rows to verified exports, with what a person is shown on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.context import Stopped
from studio.exporters import EXPORTERS
from studio.formats import FORMATS
from studio.inference.opened import open_run, trained_folder
from studio.settings import Home
from studio.spec import TrainOrder
from studio.tasks.answers import answers
from studio.tasks.train import train
from studio.verification.comparison import compare
from studio.verification.reference import choose_rows, write_reference
from tests import tiny
from tests.studio.runs import Run, context, train_run

KTO_ROWS = [
    {"prompt": row["prompt"], "response": row["chosen" if good else "rejected"], "label": good}
    for number, row in enumerate(tiny.make_rows_of("preference"))
    for good in (number % 2 == 0,)
]
CASES: dict[str, tuple[str, Any, list[dict[str, Any]] | None]] = {
    "text": ("lora", "text", None),
    "classification": ("lora", {"name": "classification", "balance": "labels"}, None),
    "several labels": (
        "lora",
        {"name": "classification", "several": True},
        [{**row, "label": [row["label"], "all"]} for row in tiny.make_rows_of("classification")],
    ),
    "classification, all weights": ("full", "classification", None),
    "dpo": ("lora", "preference", None),
    "dpo, all weights": ("full", "preference", None),
    "ipo": ("lora", {"name": "preference", "algorithm": "ipo"}, None),
    "orpo": ("lora", {"name": "preference", "algorithm": "orpo"}, None),
    "simpo": ("lora", {"name": "preference", "algorithm": "simpo"}, None),
    "kto": ("lora", {"name": "preference", "algorithm": "kto"}, KTO_ROWS),
    "seq2seq": ("lora", "seq2seq", None),
    "seq2seq, all weights": ("full", "seq2seq", None),
}
# One of each layout, the rest are long tests.
BY_DEFAULT = {"text", "classification", "dpo", "kto", "seq2seq, all weights"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {"seq2seq": tiny.make_encoder_decoder(folder / "t5"), "": tiny_model}


def finished(case: str, models: dict[str, Path], folder: Path, **training: Any) -> Run:
    """A run of the case, trained to the end."""
    method, objective, rows = CASES[case]
    name = objective if isinstance(objective, str) else objective["name"]
    data = tiny.write_jsonl(folder / "rows.jsonl", rows or tiny.make_rows_of(name))
    model = models.get(name, models[""])
    rate = {"learning_rate": 0.005, "epochs": 8} if name == "classification" else {"epochs": 4}
    return train_run(
        folder / "home", 1, model, data, method, objective=objective, **{**rate, **training}
    )


@pytest.mark.parametrize(
    "case",
    [case if case in BY_DEFAULT else pytest.param(case, marks=pytest.mark.long) for case in CASES],
)
@pytest.mark.some(3)
def test_it_learns_says_what_it_learnt_and_leaves_as_a_verified_export(
    case: str, models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished(case, models, tmp_path)
    held_out = run.result["held_out"]
    assert held_out["loss_after"] < held_out["loss_before"]
    assert held_out["after"].keys() <= run.order.spec.objective.objective.metrics.keys()

    shown = answers(context(run.home, 2, {"job": 1, "max_new_tokens": 4}))["held_out"]
    assert shown
    assert all(row["prompt"] and row["expected"] for row in shown)

    choice = run.order.spec.objective
    reference = tmp_path / "reference"
    write_reference(open_run(run.folder, device="cpu"), choose_rows(choice, [], []), reference)
    for format_name in ("adapter", "merged"):
        if format_name == "adapter" and not (run.folder / "adapter").is_dir():
            continue
        out = exported(run.home, run.order, format_name, tmp_path / format_name)
        verdict = compare(out, Path(run.order.base.folder), "float32", reference)
        assert verdict.verified, f"{format_name}: {verdict.words}"


def exported(home: Home, order: TrainOrder, name: str, folder: Path) -> Path:
    folder.mkdir()
    settings = FORMATS[name].settings()
    run_folder = home.run(1)
    EXPORTERS[name](
        open_run(run_folder, device="cpu"), trained_folder(run_folder), settings, folder
    )
    return folder


@pytest.mark.parametrize("case", ["classification", "dpo, all weights", "kto", "seq2seq"])
@pytest.mark.some(2)
def test_a_stopped_run_goes_on_to_the_very_same_figures(
    case: str, models: dict[str, Path], tmp_path: Path
) -> None:
    straight = finished(case, models, tmp_path, epochs=2)
    order = straight.order.to_json()
    stopping = context(straight.home, 2, order)
    stopping.request_stop()

    with pytest.raises(Stopped):
        train(stopping)
    resumed = train(context(straight.home, 2, order, attempt=2))

    assert resumed["held_out"] == straight.result["held_out"]
