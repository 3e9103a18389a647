"""Combining: which trainings can become one adapter, and what is said of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.models import Job
from studio.errors import AskedWrongly
from studio.orders import Orders
from studio.spec import TrainOrder
from tests.studio.orders.test_continuing import finish, orders, spec

__all__ = ["orders"]  # the fixture

Make = Callable[..., Job]


@pytest.fixture
def make(orders: Orders, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A finished training whose adapter's configuration says what is given."""

    def made(method: Any = "lora", **config: Any) -> Job:
        job = finish(orders, orders.train(spec(tiny_model, rows_csv, method=method)), monkeypatch)
        file = orders.home.run(job.id) / "adapter" / "adapter_config.json"
        config = {"peft_type": "LORA", "r": 16, "target_modules": ["q_proj"], **config}
        file.write_text(json.dumps(config))
        return job

    return made


def test_a_combination_is_ordered_with_its_parts_kept(orders: Orders, make: Make) -> None:
    first, second = make(), make({"name": "lora", "rank": 4, "rslora": True}, r=4)

    job = orders.combine({first.id: 0.5, second.id: 2.0})

    order = TrainOrder.parse(job.spec)
    assert job.task == "combine"
    assert job.name == f"0.5 × {first.name} + 2 × {second.name}"
    assert [(each.run, each.weight) for each in order.parts] == [(first.id, 0.5), (second.id, 2.0)]
    assert all(orders.home.adapter(each.revision).is_dir() for each in order.parts)
    settings: Any = order.spec.method.settings
    # What the file will be: all ranks together, scaled by one.
    assert (settings.rank, settings.alpha, settings.rslora) == (20, 20.0, False)
    assert TrainOrder.parse(order.to_json()) == order


def test_other_modules_are_all_named_in_the_sum(orders: Orders, make: Make) -> None:
    first = make()
    second = make({"name": "lora", "targets": "attention"}, target_modules=["o_proj"])

    order = TrainOrder.parse(orders.combine({first.id: 1, second.id: 1}, rank=8, name="Both").spec)

    settings: Any = order.spec.method.settings
    assert (settings.targets, settings.rank, order.rank) == (("o_proj", "q_proj"), 8, 8)
    assert order.spec.name == "Both"


@pytest.mark.parametrize(
    ("methods", "configs", "options", "words"),
    [
        (["lora"], [{}], {}, "at least two"),
        (["lora", "ia3"], [{}, {}], {}, "different methods"),
        (["lora", "lora"], [{}, {}], {"weights": [0.0, 0.0]}, "All weights are 0"),
        (["lora", "lora"], [{}, {}], {"weights": [float("nan"), 1.0]}, "is no number"),
        (["lora", "lora"], [{}, {"use_dora": True}], {}, "DoRA"),
        (["lora", "lora"], [{}, {"modules_to_save": ["score"]}], {}, "classifier's head"),
        (["houlsby"] * 2, [{"peft_type": "HOULSBY"}] * 2, {}, "cannot be combined by weights"),
        (["prompt_tuning"] * 2, [{"peft_type": "PROMPT_TUNING"}] * 2, {}, "cannot be combined"),
        (["lora", "lora"], [{}, {}], {"rank": 33}, "cannot be reduced to 33"),
        (["lora", "lora"], [{}, {}], {"rank": 0}, "expected 1 or more"),
        (["lora", "lora"], [{"r": 1000}, {"r": 1000}], {}, "1024 is the most"),
        (["ia3", "ia3"], [{"peft_type": "IA3"}] * 2, {"rank": 4}, "no rank that could be lowered"),
        (
            ["ia3", "ia3"],
            [
                {"peft_type": "IA3", "feedforward_modules": []},
                {"peft_type": "IA3", "target_modules": ["v_proj"], "feedforward_modules": []},
            ],
            {},
            "scale different layers",
        ),
    ],
)
def test_what_cannot_be_summed_is_refused_in_words(
    orders: Orders,
    make: Make,
    methods: list[str],
    configs: list[dict[str, Any]],
    options: dict[str, Any],
    words: str,
) -> None:
    made = [make(method, **config) for method, config in zip(methods, configs, strict=True)]
    weights = options.pop("weights", [1.0] * len(made))

    with pytest.raises(AskedWrongly, match=words):
        orders.combine(
            {job.id: weight for job, weight in zip(made, weights, strict=True)}, **options
        )
    assert [run.task for run in orders.runs()] == ["train"] * len(made)


def test_adapters_of_two_bases_are_not_summed(
    orders: Orders, make: Make, tiny_model: Path, rows_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them stands on the other."""
    first = make()
    on_top = spec(tiny_model, rows_csv, model={"adapter": first.id, "adapter_use": "merge"})
    second = finish(orders, orders.train(on_top), monkeypatch)

    with pytest.raises(AskedWrongly, match="do not stand on the same base"):
        orders.combine({first.id: 1.0, second.id: 1.0})
