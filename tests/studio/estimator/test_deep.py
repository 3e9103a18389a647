"""Figures told by a few layers are those of the whole model, to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.estimator.blueprint import Plan, blueprint
from studio.estimator.deep import DeepModel
from studio.estimator.memory import StepCost, simulate
from studio.estimator.microbatch import MicroBatch, micro_batch, unknown_run
from studio.spec import TrainSpec
from studio.training.adapters import count
from studio.training.loading import choose_numbers
from tests.studio.estimator.configurations import (
    CONFIGURATIONS,
    NOT_CAUSAL,
    NOT_SIMULATED,
    PADDED_ONLY,
    make_folder,
    make_rows,
)

DEPTH = 12
UPPER = {"name": "lora", "layers": {"last": 2}}
OBJECTIVES = {"bert": "classification", "t5": "seq2seq"}
# Alike all the way; every second layer sliding; dense layers below experts; learned positions.
SAMPLE = [("llama, tied", UPPER), ("gemma2", "lora"), ("deepseek", "full"), ("gpt2", "lora")]
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "recomputed": {"gradient_checkpointing": True},
    "low precision": {"precision": "bf16"},
    "accumulated": {"gradient_accumulation": 2, "optimizer": "sgd"},
}


def both(
    name: str,
    folder: Path,
    method: Any,
    training: dict[str, Any],
    *,
    layers: int = DEPTH,
    **sections: Any,
) -> tuple[DeepModel, StepCost, StepCost]:
    """The model, and what a step takes: told by a few layers, and simulated whole."""
    source = make_folder(name, folder, layers)
    packing = "off" if name in PADDED_ONLY | NOT_CAUSAL else "auto"
    values = {"precision": "fp32", "packing": packing} | training
    objective = OBJECTIVES.get(name, "chat")
    spec = TrainSpec.parse(
        {"method": method, "objective": objective, "training": values, **sections}
    )
    numbers = choose_numbers(
        spec.training.precision,
        torch.device("cpu"),
        trains_weights=spec.method.method.family == "full",
    )
    plan = Plan.of(spec, numbers)
    model = DeepModel.of(source, plan)
    batch = batch_of(spec, packed=packing == "auto")
    whole = blueprint(source, plan)
    assert model.counts() == count(whole.model)
    return model, model.step_cost(spec, batch, numbers), simulate(whole, spec, batch, numbers)


def batch_of(spec: TrainSpec, *, packed: bool) -> MicroBatch:
    """Three rows of different lengths, or what the objective makes of full ones."""
    layout = spec.objective.objective.layout
    if layout == "tokens":
        return micro_batch(make_rows(40, 31, 25), packed=packed)
    return unknown_run(spec.training, spec.objective, packed=False).largest


CASES = [
    (name, method)
    for name in sorted(set(CONFIGURATIONS) - NOT_SIMULATED)
    for method in ("lora", "full", UPPER)
]


@pytest.mark.parametrize(
    ("name", "method"),
    [case if case in SAMPLE else pytest.param(*case, marks=pytest.mark.long) for case in CASES],
    ids=str,
)
@pytest.mark.some(2)
def test_a_few_layers_tell_what_the_whole_model_takes(
    name: str, method: Any, tmp_path: Path
) -> None:
    _, few, whole = both(name, tmp_path, method, {})

    assert few == whole


@pytest.mark.parametrize("settings", sorted(SETTINGS))
@pytest.mark.parametrize(
    ("name", "method"), [("llama", "full"), pytest.param("gemma3", "lora", marks=pytest.mark.long)]
)
@pytest.mark.some(2)
def test_they_do_so_under_every_setting(
    name: str, method: str, settings: str, tmp_path: Path
) -> None:
    model, few, whole = both(name, tmp_path, method, SETTINGS[settings])

    assert model.depth is not None
    assert few == whole


@pytest.mark.parametrize(
    ("name", "method", "layers"),
    [("llama", "lora", 32), pytest.param("gemma3", "full", 40, marks=pytest.mark.long)],
)
def test_they_tell_it_where_only_some_layers_compute_twice(
    name: str, method: str, layers: int, tmp_path: Path
) -> None:
    """Two kinds of layers, each in two parts: of 32 the few would be no fewer, and the whole is simulated."""
    some = {"gradient_checkpointing": True, "checkpointed_share": 0.33}
    model, few, whole = both(name, tmp_path, method, some, layers=layers)

    assert model.depth is not None
    assert few == whole


@pytest.mark.parametrize("name", ["llama", "gemma3", "bert"])
def test_no_more_is_built_than_the_few(name: str, tmp_path: Path) -> None:
    source = make_folder(name, tmp_path, 40)
    spec = TrainSpec.parse({"objective": OBJECTIVES.get(name, "chat")})
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)

    model = DeepModel.of(source, Plan.of(spec, numbers))

    assert model.depth is not None
    assert model.depth.sample.size <= 5
    assert model.counts() == count(model.whole_blueprint().model)


@pytest.mark.long
def test_over_a_quantised_base_too(tmp_path: Path) -> None:
    held = {"quantization": "nf4", "double_quantization": True}
    model, few, whole = both("llama", tmp_path, "qlora", {}, model=held)

    assert model.depth is not None
    assert few == whole


def test_the_least_trained_layer_is_known_by_its_number_in_the_whole(tmp_path: Path) -> None:
    source = make_folder("llama", tmp_path, DEPTH)
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)

    def model(method: Any) -> DeepModel:
        return DeepModel.of(source, Plan.of(TrainSpec.parse({"method": method}), numbers))

    assert model(UPPER).depth is not None
    assert model(UPPER).skips_layers
    assert not model("lora").skips_layers


def test_a_model_no_deeper_than_the_few_is_built_whole(tmp_path: Path) -> None:
    source = make_folder("llama", tmp_path)
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)

    model = DeepModel.of(source, Plan.of(TrainSpec.parse({}), numbers))

    assert model.depth is None
    assert model.counts() == count(model.whole_blueprint().model)
