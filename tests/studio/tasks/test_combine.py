"""The task `combine`: several trainings become one that is used, verified and gone on from like any."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from studio.inference.opened import open_run
from studio.orders.combining import combination
from studio.orders.continuing import keep_adapter
from studio.settings import Home
from studio.spec import TrainOrder
from studio.tasks.combine import combine
from studio.tasks.export import export
from studio.tasks.train import train
from studio.training import earlier
from tests.studio.runs import context, make_order, train_run
from tests.studio.tasks.test_export import asked

IDS = torch.tensor([[4, 5, 6, 7]])
LORA = {"name": "lora", "rank": 4, "alpha": 8}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rows_csv: Path) -> Path:
    """A home with two trainings of one base, 1 and 2; read only."""
    folder = tmp_path_factory.mktemp("combining") / "home"
    for number in (1, 2):
        more: dict[str, Any] = {"seed": number, "max_steps": 4}
        train_run(folder, number, tiny_model, rows_csv, LORA, **more)
    return folder


@pytest.fixture
def home(trained: Path, tmp_path: Path) -> Home:
    """The same, for one test alone."""
    shutil.copytree(trained, tmp_path / "home")
    return Home(tmp_path / "home")


def finished(home: Home, job_id: int) -> Any:
    """The job in the queue's row, as far as it matters here."""
    document = json.loads((home.run(job_id) / "order.json").read_text("utf-8"))
    return SimpleNamespace(id=job_id, name=f"Tiny {job_id}", spec=document)


def logits(home: Home, job_id: int) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = open_run(home.run(job_id), device="cpu").model(IDS).logits
    return found


def combined(home: Home, weights: list[float], job_id: int = 3, **more: Any) -> dict[str, Any]:
    parts = [(finished(home, number), weight) for number, weight in enumerate(weights, start=1)]
    order = combination(parts, more.get("rank"), "Both", home)
    return combine(context(home, job_id, order.to_json()))


def test_one_and_zero_give_the_first_and_two_runs_are_more_than_either(home: Home) -> None:
    result = combined(home, [1.0, 0.0], 3)
    combined(home, [0.5, 0.5], 4)

    torch.testing.assert_close(logits(home, 3), logits(home, 1), rtol=1e-5, atol=1e-5)
    for number in (1, 2):
        assert (logits(home, 4) - logits(home, number)).abs().max() > 1e-4
    assert [(part["run"], part["weight"]) for part in result["parts"]] == [(1, 1.0), (2, 0.0)]


@pytest.mark.parametrize("name", ["adapter", "merged"])
@pytest.mark.some(1)
def test_it_is_exported_and_verified_like_every_other(
    home: Home, tmp_path: Path, name: str
) -> None:
    combined(home, [0.5, 0.5])

    result = export(asked(home, tmp_path / "out", name, job=3))

    assert result["verified"] is True
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "| Made of | 0.5 × Tiny 1 + 0.5 × Tiny 2 |" in card
    assert "| Passes over the data | those of its parts |" in card


def test_a_combination_that_was_cut_off_is_written_whole_by_the_next_attempt(home: Home) -> None:
    combined(home, [1.0, 1.0])
    first = (home.run(3) / "adapter" / "adapter_model.safetensors").read_bytes()
    (home.run(3) / "adapter").rename(home.run(3) / ".adapter-x.partial")

    combined(home, [1.0, 1.0])
    assert (home.run(3) / "adapter" / "adapter_model.safetensors").read_bytes() == first


def continuing(home: Home, model: Path, data: Path, job_id: int, **choice: Any) -> TrainOrder:
    """An order that goes on from a run of the home, as the desk makes it."""
    order = make_order(home, model, data, choice.pop("method", LORA), seed=9, max_steps=2)
    kept = keep_adapter(finished(home, job_id), home)
    held = order.spec.model.model_copy(update={"adapter": job_id, **choice})
    order = replace(order, spec=replace(order.spec, model=held))
    theirs = TrainOrder.parse(finished(home, job_id).spec)
    if held.learns_on:
        base = replace(order.base, beneath=theirs.base.beneath)
        return replace(order, start=kept, base=base)
    return replace(order, base=replace(order.base, beneath=(*theirs.base.beneath, kept)))


def test_a_combination_learns_on_from_where_it_stands(
    home: Home, tiny_model: Path, rows_csv: Path
) -> None:
    combined(home, [0.5, 0.5])
    settings = finished(home, 3).spec["spec"]["method"]
    order = continuing(home, tiny_model, rows_csv, 3, method=settings)

    result = train(context(home, 4, order.to_json()))

    assert settings["rank"] == 8
    assert result["held_out"]["loss_after"] < result["held_out"]["loss_before"]


def test_a_training_begins_where_the_earlier_one_ended(
    home: Home, tiny_model: Path, rows_csv: Path
) -> None:
    """Its held-out loss before the first step is that of the earlier one after the last."""
    ended = train_run(home.folder, 5, tiny_model, rows_csv, LORA, seed=9, max_steps=4)
    order = continuing(home, tiny_model, rows_csv, 5)

    result = train(context(home, 6, order.to_json()))

    before, after = result["held_out"]["loss_before"], ended.result["held_out"]["loss_after"]
    assert before == pytest.approx(after, rel=1e-6)
    assert result["held_out"]["loss_after"] < before


@pytest.mark.parametrize("name", ["adapter", "merged"])
@pytest.mark.some(1)
def test_lora_and_prompt_in_turn_each_on_top_of_the_one_before(
    home: Home, tiny_model: Path, rows_csv: Path, tmp_path: Path, name: str
) -> None:
    """LoRA, another LoRA on it, and a prompt on both: the base holds what lies beneath, merged."""
    second = continuing(home, tiny_model, rows_csv, 1, adapter_use="merge")
    train(context(home, 3, second.to_json()))
    prompt = {"name": "prompt_tuning", "virtual_tokens": 4}
    third = continuing(home, tiny_model, rows_csv, 3, adapter_use="merge", method=prompt)
    train(context(home, 4, third.to_json()))

    opened = open_run(home.run(4), device="cpu")
    with opened.base() as beneath, torch.inference_mode():
        torch.testing.assert_close(beneath(IDS).logits, logits(home, 3), rtol=1e-4, atol=1e-5)
    job = 4 if name == "adapter" else 3
    result = export(asked(home, tmp_path / "out", name, job=job))
    assert result["verified"] is True
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "| Already part of the base | Tiny 1" in card
    if name == "adapter":
        assert [place.name for place in earlier.beneath_in(tmp_path / "out")] == ["0", "1"]
        assert 'base, "FOLDER/beneath/1").merge_and_unload()' in card


def test_a_part_that_lies_beneath_and_is_gone_from_an_export_is_noticed(
    home: Home, tiny_model: Path, rows_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = continuing(home, tiny_model, rows_csv, 1, adapter_use="merge")
    train(context(home, 3, order.to_json()))
    monkeypatch.setattr("studio.exporters.adapter.BENEATH", "elsewhere")

    with pytest.raises(Exception, match=r"not the trained model|differently") as caught:
        export(asked(home, tmp_path / "out", "adapter", job=3))
    assert getattr(caught.value, "code", "") == "not_verified"
