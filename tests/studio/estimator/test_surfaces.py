"""Surfaces give the very figures of a simulation, for any batch of their regime."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.estimator.blueprint import Plan
from studio.estimator.deep import DeepModel, NotSoon
from studio.estimator.forms import form
from studio.estimator.live import PARTS, History, NotWanted
from studio.estimator.memory import StepCost, still_wanted
from studio.estimator.microbatch import MicroBatch, micro_batch, unknown_run
from studio.estimator.regimes import Ground, regime_of
from studio.estimator.surfaces import SURFACES
from studio.spec import TrainSpec
from studio.training.loading import Numbers, choose_numbers
from tests.studio.estimator.configurations import make_folder, make_rows

CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "lora": ("llama, tied", "lora", {}),
    "full, recomputed": ("llama", "full", {"gradient_checkpointing": True}),
    "padded": ("llama", "lora", {"packing": "off"}),
    "windows": ("mistral", "lora", {}),
    "scores kept": ("gpt2", "lora", {}),
    "eager": ("qwen2", "full", {"attention": "eager"}),
    "low precision": ("llama", "lora", {"precision": "bf16"}),
    "alternating layers": ("gemma2", "lora", {"packing": "off"}),
    "8 bits": ("llama", "full", {"optimizer": "adamw_8bit"}),
    "experts": ("mixtral", "lora", {}),
}
SAMPLE = ("lora", "padded", "scores kept")


def model_of(
    name: str, method: Any, training: dict[str, Any], folder: Path, **sections: Any
) -> tuple[DeepModel, TrainSpec, Numbers]:
    """A model of eight layers, what it is asked about, and its number formats."""
    spec = TrainSpec.parse(
        {"method": method, "training": {"precision": "fp32", **training}, **sections}
    )
    trains_weights = spec.method.method.family == "full"
    numbers = choose_numbers(
        spec.training.precision, torch.device("cpu"), trains_weights=trains_weights
    )
    return DeepModel.of(make_folder(name, folder, 8), Plan.of(spec, numbers)), spec, numbers


def with_surface(model: DeepModel, spec: TrainSpec, batch: MicroBatch, numbers: Numbers) -> None:
    """Ask once, and let the surface be made."""
    model.step_cost(spec, batch, numbers)
    while SURFACES.has_work:
        SURFACES.work()


def simulated(model: DeepModel, spec: TrainSpec, batch: MicroBatch, numbers: Numbers) -> StepCost:
    """The same step without any surface."""
    return model._simulated(spec, batch, numbers)


@pytest.mark.parametrize(
    "case",
    [case if case in SAMPLE else pytest.param(case, marks=pytest.mark.long) for case in CASES],
)
@pytest.mark.some(1)
def test_a_surface_equals_the_simulation_at_batches_that_it_was_not_made_of(
    case: str, tmp_path: Path
) -> None:
    name, method, training = CASES[case]
    model, spec, numbers = model_of(name, method, training, tmp_path)
    packed = training.get("packing") != "off"
    chance = random.Random(case)

    def drawn(most: int) -> MicroBatch:
        lengths = [chance.randint(36, most) for _ in range(chance.randint(2, 7))]
        return micro_batch(make_rows(*lengths), packed=packed)

    with_surface(model, spec, drawn(100), numbers)

    for most in (60, 200, 450):
        batch = drawn(most)
        found = model.step_cost(spec, batch, numbers, may_simulate=False)
        assert found == simulated(model, spec, batch, numbers), batch


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "objective"),
    [("llama", {"name": "classification", "labels": ["a", "b"]}), ("gpt2", "preference")],
)
def test_other_objectives_have_surfaces_too(name: str, objective: Any, tmp_path: Path) -> None:
    training = {"packing": "off", "batch_size": 2, "max_length": 64}
    model, spec, numbers = model_of(name, "lora", training, tmp_path, objective=objective)

    def full(rows: int, length: int) -> MicroBatch:
        changed = {**spec.to_json()["training"], "batch_size": rows, "max_length": length}
        asked = TrainSpec.parse({**spec.to_json(), "training": changed})
        return unknown_run(asked.training, asked.objective, packed=False).largest

    with_surface(model, spec, full(2, 64), numbers)

    # No more tokens than go through the output layer at a time: more of them are another regime.
    for rows, length in ((3, 40), (6, 150)):
        batch = full(rows, length)
        found = model.step_cost(spec, batch, numbers, may_simulate=False)
        assert found == simulated(model, spec, batch, numbers)


def test_without_a_surface_it_is_not_soon(tmp_path: Path) -> None:
    model, spec, numbers = model_of("llama", {"name": "lora", "rank": 5}, {}, tmp_path)

    with pytest.raises(NotSoon):
        model.step_cost(
            spec, micro_batch(make_rows(40, 50), packed=True), numbers, may_simulate=False
        )


def test_what_is_cut_short_goes_on_where_it_was(tmp_path: Path) -> None:
    model, spec, numbers = model_of("llama", {"name": "lora", "rank": 3}, {}, tmp_path)
    batch = micro_batch(make_rows(40, 50), packed=True)
    model.step_cost(spec, batch, numbers)
    (wish,) = list(SURFACES._wishes.values())[-1:]
    SURFACES.work()

    asked = still_wanted.set(lambda: False)
    with pytest.raises(NotWanted):
        SURFACES.work()
    still_wanted.reset(asked)

    assert len(wish.done) == 1
    while SURFACES.has_work:
        SURFACES.work()
    assert model.step_cost(spec, batch, numbers, may_simulate=False)


def test_batches_that_step_differently_are_of_other_regimes() -> None:
    ground = Ground(block_rows=64, windows=(100,))

    def regime(*lengths: int, packed: bool = True) -> Any:
        return regime_of(micro_batch(make_rows(*lengths), packed=packed), ground)

    assert regime(40, 40) == regime(50, 45)
    assert regime(40, 40) != regime(80)
    assert regime(40, 40) != regime(40, 90, 90, 90)
    assert regime(110, 110) != regime(40, 40)
    assert regime(110, 40) is None
    assert regime(40, 30, packed=False) != regime(40, 40, packed=False)


def test_of_several_bounds_the_least_holds_at_every_batch() -> None:
    """Which one that is changes with the batch: 100 and 10 a token, or 500."""
    start = tuple(0 for _ in PARTS)
    kinds = (("or",), ("?", "forward"), ("|", None, "forward"))
    histories = [History(start, kinds, (100 + 10 * tokens, 500, 0)) for tokens in (3, 5, 70, 90)]

    found = form(histories, [(1, tokens) for tokens in (3, 5, 70, 90)])

    assert [sum(found.at((1, tokens)).segments[0].top) for tokens in (4, 39, 41, 80)] == [
        140,
        490,
        500,
        500,
    ]
