"""Continuing: what can be gone on from is kept when it is ordered; what cannot is said in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.models import Job, JobState
from studio.errors import AskedWrongly
from studio.models.fingerprints import fingerprint_folder
from studio.orders import Orders
from studio.settings import Home
from studio.spec import ADAPTER_FILES, TrainOrder, TrainSpec
from tests import tiny


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orders]:
    """A desk whose queue is looked at, not run."""
    orders = Orders(Home(tmp_path / "home"))
    monkeypatch.setattr(orders.queue, "ensure_dispatcher", lambda: None)
    yield orders
    orders.close()


def spec(folder: Path, data: Path, /, **sections: Any) -> TrainSpec:
    own = {"source": str(folder), **sections.pop("model", {})}
    return TrainSpec.parse({"model": own, "data": {"path": str(data)}, **sections})


def finish(orders: Orders, job: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The queued job as if it were done, with an adapter that says which one it is."""
    folder = orders.home.run(job.id) / "adapter"
    folder.mkdir(parents=True)
    for name in ADAPTER_FILES:
        (folder / name).write_text(f"{name} of {job.id}")
    done = {each.id: each for each in getattr(orders, "done", [])}
    done[job.id] = replace(job, state=JobState.SUCCEEDED)
    orders.done = list(done.values())  # type: ignore[attr-defined]
    store = orders.queue.store.job
    monkeypatch.setattr(orders.queue.store, "job", lambda number: done.get(number) or store(number))
    return done[job.id]


def test_the_adapter_is_kept_by_what_it_is_and_learns_on(
    orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = finish(orders, orders.train(spec(tiny_model, rows_csv)), monkeypatch)

    job = orders.train(spec(tiny_model, rows_csv, model={"adapter": first.id}))

    order = TrainOrder.parse(job.spec)
    assert order.start is not None
    kept = orders.home.adapter(order.start.revision)
    assert (order.start.run, order.start.title) == (first.id, first.name)
    assert order.spec.model.adapter_revision == order.start.revision == fingerprint_folder(kept)
    assert order.base.beneath == ()
    (kept / ADAPTER_FILES[0]).write_text("spoilt")
    orders.train(spec(tiny_model, rows_csv, model={"adapter": first.id}))
    assert fingerprint_folder(kept) == order.start.revision
    assert TrainOrder.parse(order.to_json()) == order


def test_what_is_merged_lies_beneath_all_that_follows(
    orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = {"adapter_use": "merge"}
    first = finish(orders, orders.train(spec(tiny_model, rows_csv)), monkeypatch)
    second = orders.train(
        spec(tiny_model, rows_csv, model={"adapter": first.id, **merge}, method="ia3")
    )
    second = finish(orders, second, monkeypatch)
    third = orders.train(
        spec(tiny_model, rows_csv, model={"adapter": second.id, **merge}, method="prompt_tuning")
    )
    on = orders.train(spec(tiny_model, rows_csv, model={"adapter": second.id}, method="ia3"))

    beneath = [
        [each.run for each in TrainOrder.parse(j.spec).base.beneath] for j in (second, third, on)
    ]
    assert beneath == [[first.id], [first.id, second.id], [first.id]]
    assert TrainOrder.parse(on.spec).start is not None
    assert TrainOrder.parse(third.spec).start is None


def test_an_adapter_that_was_changed_since_the_spec_was_made_is_not_taken(
    orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = finish(orders, orders.train(spec(tiny_model, rows_csv)), monkeypatch)
    wanted = {"adapter": first.id, "adapter_revision": "another"}

    with pytest.raises(AskedWrongly, match="not the one that this spec was made for"):
        orders.train(spec(tiny_model, rows_csv, model=wanted))


REFUSED: list[tuple[Any, dict[str, Any], dict[str, Any], str, str]] = [
    ("lora", {}, {"method": "ia3"}, "method.name", "by the same method only"),
    ("lora", {}, {"method": {"name": "lora", "rank": 8}}, "method.rank", "has rank 16"),
    ("adalora", {"adapter_use": "train"}, {"method": "lora"}, "method.name", "trained by AdaLoRA"),
    (
        {"name": "lora", "init": "pissa"},
        {},
        {"method": "lora"},
        "model.adapter_use",
        "a LoRA of twice the rank",
    ),
    (
        "prompt_tuning",
        {"adapter_use": "merge"},
        {"method": "lora"},
        "model.adapter_use",
        "cannot become part of the base",
    ),
    ("full", {"adapter_use": "merge"}, {}, "model.adapter_use", "cannot become part of the base"),
    ("qlora", {"adapter_use": "merge"}, {}, "model.adapter_use", "held as nf4"),
    (
        "lora",
        {},
        {"method": {"name": "lora"}, "model": {"quantization": "int8"}},
        "model.quantization",
        "held as none",
    ),
]


@pytest.mark.parametrize(("before", "use", "after", "field", "words"), REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_queued(
    orders: Orders,
    tiny_model: Path,
    rows_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: Any,
    use: dict[str, Any],
    after: dict[str, Any],
    field: str,
    words: str,
) -> None:
    first = finish(orders, orders.train(spec(tiny_model, rows_csv, method=before)), monkeypatch)
    model = {"adapter": first.id, **use, **after.pop("model", {})}
    after["model"] = model
    asked = spec(tiny_model, rows_csv, **after)

    with pytest.raises(AskedWrongly, match=words) as caught:
        orders.train(asked)
    assert [problem.field for problem in caught.value.fields] == [field]
    with pytest.raises(AskedWrongly, match=words):
        orders.refuse_adapter(asked)
    assert len(orders.runs()) == 1


def test_another_base_goal_or_an_unfinished_training_is_refused(
    orders: Orders,
    tiny_model: Path,
    rows_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    waiting = orders.train(spec(tiny_model, rows_csv))
    with pytest.raises(AskedWrongly, match="not a finished training"):
        orders.train(spec(tiny_model, rows_csv, model={"adapter": waiting.id}))

    first = finish(orders, waiting, monkeypatch)
    other = tiny.make_model(tmp_path / "other", seed=3)
    with pytest.raises(AskedWrongly, match="on another base"):
        orders.train(spec(other, rows_csv, model={"adapter": first.id}))
    labelled = spec(
        tiny_model,
        tiny.write_jsonl(tmp_path / "labels.jsonl", tiny.make_rows_of("classification")),
        objective="classification",
        model={"adapter": first.id},
    )
    with pytest.raises(AskedWrongly, match="what stands on the model is another"):
        orders.train(labelled)


def test_merging_over_few_bits_is_a_problem_of_the_spec_itself(
    tiny_model: Path, rows_csv: Path
) -> None:
    model = {"adapter": 1, "adapter_use": "merge"}
    with pytest.raises(AskedWrongly, match="would be rounded away"):
        spec(tiny_model, rows_csv, method="qlora", model=model)
