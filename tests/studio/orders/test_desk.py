"""The desk: what is put into the queue, and what is refused before that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.endings import Ending, EndingKind
from jobs.models import DeviceSlot, Job, JobState
from jobs.processes import myself
from studio.errors import AskedWrongly, ModelProblem, StudioError
from studio.loggers import Logger
from studio.orders import Orders
from studio.orders.desk import next_name
from studio.settings import Home
from studio.spec import TrainOrder, TrainSpec
from tests.studio.models.ggufs import write_gguf


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orders]:
    """A desk whose queue is looked at, not run: no dispatcher is started."""
    orders = Orders(Home(tmp_path / "home"), estimate=lambda _: {"memory": {"peak_bytes": 123}})
    monkeypatch.setattr(orders.queue, "ensure_dispatcher", lambda: None)
    yield orders
    orders.close()


def spec(model: Path, data: Path, **sections: Any) -> TrainSpec:
    return TrainSpec.parse(
        {"model": {"source": str(model)}, "data": {"path": str(data)}, **sections}
    )


def test_a_queued_training_has_its_data_and_revision_frozen(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    job = orders.train(spec(tiny_model, rows_csv))

    order = TrainOrder.parse(job.spec)
    assert order.spec.data.dataset
    assert order.spec.model.revision == order.base.revision
    assert order.base.revision.startswith("files:")
    assert (job.needs_bytes, job.after, job.state) == (123, None, JobState.QUEUED)
    assert job.name.endswith("on rows")


def test_a_logger_that_is_not_installed_is_said_before_anything_is_queued(
    orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Logger, "is_installed", property(lambda _: False))

    with pytest.raises(AskedWrongly, match="TensorBoard is not installed here"):
        orders.train(spec(tiny_model, rows_csv, loggers=["tensorboard"]))
    assert orders.runs() == []


def test_a_model_that_must_be_converted_gets_a_job_before_the_training(
    orders: Orders, tiny_model: Path, rows_csv: Path, tmp_path: Path
) -> None:
    file = write_gguf(tiny_model, tmp_path / "tiny.gguf")

    first, second = (orders.train(spec(file, rows_csv)) for _ in range(2))

    preparation = orders.queue.store.job(int(first.after or 0))
    assert (preparation.task, preparation.slot_kind) == ("convert", "io")
    assert second.after == first.after  # prepared once, however many wait for it
    assert orders.prepare_model(str(file)) == preparation
    assert orders.prepare_model(str(tiny_model)) is None


def test_nothing_is_queued_of_an_order_that_cannot_be_carried_out(
    orders: Orders, tiny_model: Path, rows_csv: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelProblem):
        orders.train(spec(tmp_path / "no model", rows_csv))
    with pytest.raises(AskedWrongly):
        orders.train(spec(tiny_model, tmp_path / "no data.csv"))

    assert orders.runs() == []


@pytest.mark.parametrize("works", [True, None, False])
def test_what_fails_on_a_few_layers_is_refused_before_anything_is_queued(
    orders: Orders, tiny_model: Path, rows_csv: Path, works: bool | None
) -> None:
    tried = Orders(orders.home, trial=lambda _: {"works": works, "words": "It fails: NaN."})
    tried.queue.ensure_dispatcher = lambda: None  # type: ignore[method-assign]

    if works is False:
        with pytest.raises(AskedWrongly, match="It fails: NaN") as caught:
            tried.train(spec(tiny_model, rows_csv))
        assert [problem.field for problem in caught.value.fields] == ["method.name"]
    else:
        tried.train(spec(tiny_model, rows_csv))
    assert len(tried.runs()) == (works is not False)
    tried.close()


def test_without_an_estimate_the_run_is_queued_all_the_same(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    def broken(_: TrainSpec) -> dict[str, Any]:
        raise StudioError("no worker")

    orders._estimate = broken

    assert orders.train(spec(tiny_model, rows_csv)).needs_bytes is None


def test_a_run_is_queued_with_the_memory_that_it_waits_for_or_not_at_all(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    memory = {"low_bytes": 100, "peak_bytes": 123, "high_bytes": 150}
    orders._estimate = lambda _: {"memory": memory, "verdict": {"total_bytes": 1_000}}
    assert orders.train(spec(tiny_model, rows_csv)).needs_bytes == 150

    orders._estimate = lambda _: {"memory": memory, "verdict": {"total_bytes": 99}}
    with pytest.raises(AskedWrongly, match="could never start here"):
        orders.train(spec(tiny_model, rows_csv))
    assert len(orders.runs()) == 1


def test_only_a_finished_training_is_exported(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    job = orders.train(spec(tiny_model, rows_csv))

    with pytest.raises(AskedWrongly, match="not a finished training"):
        orders.export(job.id, "adapter")


def test_what_cannot_be_merged_is_refused_before_anything_runs(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    job = orders.train(spec(tiny_model, rows_csv, method="prompt_tuning"))
    claimed = orders.queue.store.claim([DeviceSlot("cpu:0", "cpu")], myself())
    assert claimed is not None
    orders.queue.store.settle(job.id, str(claimed.lease_token), Ending(EndingKind.RETURNED))

    with pytest.raises(AskedWrongly, match=r"cannot be merged .* prompt before each question"):
        orders.export(job.id, "merged")

    assert orders.export(job.id, "adapter").task == "export"


def failed(orders: Orders, job: Job, code: str, words: str, log: str = "") -> Job:
    """The job once an attempt has ended with that problem."""
    me = myself()
    claimed = orders.queue.store.claim([DeviceSlot("cpu:0", "cpu")], me)
    assert claimed is not None
    folder = orders.queue.folder(job.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.txt").write_text(f"Attempt 1 on cpu:0, now.\n{log}\n")
    ending = Ending(EndingKind.RAISED, code=code, words=words)
    return orders.queue.store.settle(job.id, str(claimed.lease_token), ending)


def test_a_training_can_be_queued_anew_with_changes(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    first = orders.train(spec(tiny_model, rows_csv, name="Tone"))

    again = orders.again(first.id, {"training.learning_rate": 0.5, "method.rank": 4})
    third = orders.again(again.id, {}, name="Mine")

    ours, theirs = (TrainOrder.parse(job.spec).spec.to_json() for job in (again, first))
    assert (again.name, third.name) == ("Tone 2", "Mine")
    assert ours["training"].pop("learning_rate") == 0.5
    assert ours["method"].pop("rank") == 4
    for section, name in (("training", "learning_rate"), ("method", "rank")):
        theirs[section].pop(name)
    assert {**ours, "name": ""} == {**theirs, "name": ""}


def test_a_change_that_cannot_be_used_queues_nothing(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    first = orders.train(spec(tiny_model, rows_csv))

    with pytest.raises(AskedWrongly, match=r"training\.epochs"):
        orders.again(first.id, {"training.epochs": 0})
    assert len(orders.runs()) == 1


def test_the_next_name_is_one_that_is_not_taken() -> None:
    assert next_name("Tone", {"Tone"}) == "Tone 2"
    assert next_name("Tone 2", {"Tone 2", "Tone 3"}) == "Tone 4"


def test_a_remedy_that_changes_settings_queues_a_new_training(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    job = orders.train(spec(tiny_model, rows_csv))
    failed(orders, job, "not_finite", "The numbers broke down at step 3.")

    again = orders.remedy(job.id)

    assert again.id != job.id
    training = again.spec["spec"]["training"]
    assert (training["precision"], training["learning_rate"]) == (
        "fp32",
        job.spec["spec"]["training"]["learning_rate"] / 10,
    )


def test_a_remedy_may_be_the_same_job_again(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    job = orders.train(spec(tiny_model, rows_csv))
    failed(orders, job, "crash", "OSError", "PermissionError: [Errno 13] Permission denied: 'x'")

    card = (orders.run(job.id).error or {})["card"]
    again = orders.remedy(job.id)

    assert (card["code"], card["line"]) == (
        "not_allowed",
        "PermissionError: [Errno 13] Permission denied: 'x'",
    )
    assert (again.id, again.state) == (job.id, JobState.QUEUED)


def test_what_only_a_person_can_mend_is_said_in_words(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    job = orders.train(spec(tiny_model, rows_csv))
    with pytest.raises(AskedWrongly, match="Nothing is wrong"):
        orders.remedy(job.id)
    failed(orders, job, "model_changed", "The model was changed since.")

    with pytest.raises(AskedWrongly, match="Start the training anew"):
        orders.remedy(job.id)


CARDS = [DeviceSlot("cpu:0", "cpu"), DeviceSlot("cuda:0", "cuda"), DeviceSlot("cuda:1", "cuda")]


@pytest.mark.parametrize(
    ("places", "training", "kind", "slots", "needs_bytes"),
    [
        (CARDS, {"processes": 2}, "cuda", 2, 123),
        (CARDS, {"processes": 2, "devices": "cpu"}, "cpu", 1, 246),
        (CARDS[:1], {"processes": 2}, "cpu", 1, 246),
        (CARDS, {}, "cuda", 1, 123),
    ],
)
def test_each_process_gets_a_gpu_or_all_of_them_share_the_processor(
    orders: Orders,
    tiny_model: Path,
    rows_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    places: list[DeviceSlot],
    training: dict[str, Any],
    kind: str,
    slots: int,
    needs_bytes: int,
) -> None:
    monkeypatch.setattr("studio.devices.slots", lambda: places)

    job = orders.train(spec(tiny_model, rows_csv, training=training))

    assert (job.slot_kind, job.slots_wanted, job.needs_bytes) == (kind, slots, needs_bytes)


def test_offloading_needs_a_gpu_and_waits_for_less_of_it(
    orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = spec(tiny_model, rows_csv, training={"offload": "auto"})
    monkeypatch.setattr("studio.devices.slots", lambda: CARDS[:1])
    with pytest.raises(AskedWrongly, match="Offloading keeps frozen layers off a GPU"):
        orders.train(wanted)

    monkeypatch.setattr("studio.devices.slots", lambda: CARDS)
    memory = {"peak_bytes": 100, "parts": {"weights": 60, "quantization": 10}}
    monkeypatch.setattr(orders, "_estimate", lambda _: {"memory": memory})
    assert orders.train(wanted).needs_bytes == 30


def test_more_processes_than_gpus_are_refused_before_anything_is_queued(
    orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.devices.slots", lambda: CARDS)

    with pytest.raises(AskedWrongly, match="3 processes need a GPU each, and this machine has 2"):
        orders.train(spec(tiny_model, rows_csv, training={"processes": 3}))
    assert orders.runs() == []


def test_liger_s_kernels_need_a_gpu(
    orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.libraries.is_installed", lambda package: True)
    monkeypatch.setattr("studio.devices.slots", lambda: CARDS[:1])

    with pytest.raises(AskedWrongly, match="Liger's kernels run on an NVIDIA GPU, and this"):
        orders.train(spec(tiny_model, rows_csv, training={"kernels": "liger"}))
