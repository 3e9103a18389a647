"""Models built from their configuration alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import MambaConfig

from studio.errors import AskedWrongly, ModelProblem
from studio.estimator.blueprint import Plan, blueprint
from studio.spec import TrainSpec
from studio.training import attention
from studio.training.loading import choose_numbers
from tests.studio.estimator.configurations import make_folder


def plan(method: Any = "lora", **training: Any) -> Plan:
    """The plan of a spec in float32."""
    spec = TrainSpec.parse({"method": method, "training": training})
    return Plan.of(spec, choose_numbers("fp32", torch.device("cpu"), trains_weights=False))


def test_a_blueprint_holds_no_values(tmp_path: Path) -> None:
    built = blueprint(make_folder("llama", tmp_path), plan())

    assert all(parameter.is_meta for parameter in built.model.parameters())
    assert all("lora_" in name for name in built.added)


def test_the_same_plan_is_built_once_until_the_file_changes(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)
    first = blueprint(folder, plan())

    assert blueprint(folder, plan()) is first
    assert blueprint(folder, plan({"name": "lora", "rank": 4})) is not first


def test_one_plan_s_attention_does_not_show_in_the_next(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)

    blueprint(folder, plan(attention="eager"))

    assert blueprint(folder, plan()).config._attn_implementation == attention.NAME


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match=r"config\.json"):
        blueprint(tmp_path, plan())


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "quux", **sizes}))

    with pytest.raises(ModelProblem, match="quux"):
        blueprint(tmp_path, plan())


@pytest.mark.parametrize("field", ["num_hidden_layers", "hidden_size", "vocab_size"])
def test_a_missing_size_is_named_instead_of_guessed(field: str, tmp_path: Path) -> None:
    path = make_folder("llama", tmp_path) / "config.json"
    config = json.loads(path.read_text())
    del config[field]
    path.write_text(json.dumps(config))

    with pytest.raises(ModelProblem, match=field):
        blueprint(tmp_path, plan())


def test_sizes_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    path = make_folder("llama", tmp_path) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hidden_act": "no such thing"}))

    with pytest.raises(ModelProblem, match=str(tmp_path)):
        blueprint(tmp_path, plan())


def test_a_method_that_finds_no_layer_says_which_there_are(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)

    with pytest.raises(AskedWrongly, match="q_proj"):
        blueprint(folder, plan({"name": "lora", "targets": ["nothing"]}))


def test_a_method_that_an_architecture_forbids_says_so(tmp_path: Path) -> None:
    sizes = {"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 1, "state_size": 4}
    MambaConfig(**sizes).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_attention_heads": 1}))

    with pytest.raises(AskedWrongly, match="LoRA cannot be used"):
        blueprint(tmp_path, plan())
