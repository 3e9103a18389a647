"""The desk: what is put into the queue, and what is refused before that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.models import JobState
from studio.errors import AskedWrongly, ModelProblem, StudioError
from studio.loggers import Logger
from studio.orders import Orders
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


def test_without_an_estimate_the_run_is_queued_all_the_same(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    def broken(_: TrainSpec) -> dict[str, Any]:
        raise StudioError("no worker")

    orders._estimate = broken

    assert orders.train(spec(tiny_model, rows_csv)).needs_bytes is None


def test_only_a_finished_training_is_exported(
    orders: Orders, tiny_model: Path, rows_csv: Path
) -> None:
    job = orders.train(spec(tiny_model, rows_csv))

    with pytest.raises(AskedWrongly, match="not a finished training"):
        orders.export(job.id, "adapter")
