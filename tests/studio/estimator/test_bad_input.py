"""Estimates of what cannot be: each says what was found, or answers all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transformers

from studio.devices import Device, Machine
from studio.errors import AskedWrongly, ModelProblem
from studio.estimator.estimate import Rows, estimate
from studio.spec import TrainSpec
from tests.studio.estimator.configurations import make_folder, make_rows
from tests.studio.estimator.test_count import LARGE

GB = 10**9
MACHINE = Machine((Device("cpu:0", "cpu", 16 * GB, 16 * GB, "processor"),), 100 * GB)


def test_an_architecture_that_nobody_knows_is_named(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "quux", "architectures": ["QuuxForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelProblem, match="does not know the model"):
        estimate(TrainSpec.parse({}), folder, None, MACHINE)


def test_missing_fields_are_named(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    del config["hidden_size"]
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelProblem, match="hidden"):
        estimate(TrainSpec.parse({}), folder, None, MACHINE)


def test_a_model_larger_than_any_device_is_estimated_and_does_not_fit(tmp_path: Path) -> None:
    kind, values, parameters = LARGE["405B"]
    getattr(transformers, kind)(**values).save_pretrained(tmp_path)

    found = estimate(TrainSpec.parse({}), tmp_path, None, MACHINE)

    assert found.counts.total > parameters
    assert found.memory.peak_bytes > 4 * parameters
    assert not found.verdict.fits
    assert "choose smaller settings" in found.verdict.words


@pytest.mark.parametrize(
    ("field", "value"),
    [("batch_size", 0), ("batch_size", 1_000_000), ("max_length", 0), ("max_length", 10**9)],
)
def test_sizes_out_of_reach_are_refused_with_their_bounds(field: str, value: int) -> None:
    with pytest.raises(AskedWrongly) as found:
        TrainSpec.parse({"training": {field: value}})

    assert found.value.fields[0].field == f"training.{field}"


@pytest.mark.parametrize("rows_at_a_time", [8, pytest.param(4096, marks=pytest.mark.long)])
def test_a_length_of_a_million_tokens_is_estimated(rows_at_a_time: int, tmp_path: Path) -> None:
    training = {"max_length": 1_000_000, "batch_size": rows_at_a_time}
    spec = TrainSpec.parse({"training": training})
    rows = Rows(make_rows(40, 60), [])

    unknown = estimate(spec, make_folder("llama", tmp_path), None, MACHINE)
    known = estimate(spec, tmp_path, rows, MACHINE)

    assert unknown.run.largest.tokens == rows_at_a_time * 1_000_000
    assert not unknown.verdict.fits
    assert known.run.largest.tokens == 100


@pytest.mark.parametrize(
    ("architecture", "method"), [("gpt2", "delora"), ("llama", {"name": "lora", "targets": ["no"]})]
)
def test_a_method_that_the_architecture_does_not_support_says_what_does(
    architecture: str, method: Any, tmp_path: Path
) -> None:
    spec = TrainSpec.parse({"method": method})

    with pytest.raises(AskedWrongly) as found:
        estimate(spec, make_folder(architecture, tmp_path), None, MACHINE)

    words = str(found.value)
    assert "cannot be used" in words or "q_proj" in words
