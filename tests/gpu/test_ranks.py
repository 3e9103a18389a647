"""Several GPUs: `pytest -m gpu -rs tests/gpu/test_ranks.py`, with two CUDA devices at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.settings import Home
from studio.tasks.train import train
from tests import tiny
from tests.studio.runs import context, make_order

pytestmark = pytest.mark.skipif(
    torch.cuda.device_count() < 2,
    reason=f"two CUDA devices are needed, and there are {torch.cuda.device_count()}",
)
SLOTS = ("cuda:0", "cuda:1")


def reports(home: Home, job_id: int) -> list[dict[str, Any]]:
    """The lines of a run's metrics."""
    return [json.loads(line) for line in (home.run(job_id) / "metrics.jsonl").open()]


@pytest.mark.parametrize("sharding", ["none", "fsdp"])
@pytest.mark.parametrize("method", ["lora", "full", "qlora"])
def test_two_gpus_train_as_one_does_with_the_doubled_batch(
    tmp_path: Path, method: str, sharding: str
) -> None:
    model, data = tiny.make_model(tmp_path / "model"), tiny.write_csv(tmp_path / "rows.csv")
    home = Home(tmp_path / "home").prepare()
    shared = {"precision": "fp32", "learning_rate": 0.005}
    pair = make_order(
        home, model, data, method, batch_size=2, processes=2, sharding=sharding, **shared
    )
    single = make_order(home, model, data, method, batch_size=4, **shared)

    result = train(context(home, 1, pair.to_json(), slots=SLOTS))
    train(context(home, 2, single.to_json(), slots=SLOTS[:1]))

    assert result["steps"] == 10
    for left, right in zip(reports(home, 1), reports(home, 2), strict=True):
        for name in {"loss", "held_out_loss"} & right.keys():
            assert left[name] == pytest.approx(right[name], rel=1e-4)


def test_a_model_that_is_spread_is_saved_whole_in_bf16(tmp_path: Path) -> None:
    model, data = tiny.make_model(tmp_path / "model"), tiny.write_csv(tmp_path / "rows.csv")
    home = Home(tmp_path / "home").prepare()
    order = make_order(
        home, model, data, "full", batch_size=2, processes=2, sharding="fsdp", precision="bf16"
    )

    train(context(home, 1, order.to_json(), slots=SLOTS))

    trained = load_file(home.run(1) / "model" / "model.safetensors")
    base = load_file(model / "model.safetensors")
    assert {name: value.shape for name, value in trained.items()} == {
        name: value.shape for name, value in base.items()
    }
    assert any(not torch.equal(trained[name].float(), base[name].float()) for name in base)
