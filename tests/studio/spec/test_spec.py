"""The spec: defaults, JSON both ways, and every error at once in plain words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.errors import AskedWrongly
from studio.methods import METHODS
from studio.spec import ExportSpec, TrainOrder, TrainSpec


def problems(document: Any) -> dict[str, str]:
    """What is wrong with a document, by field."""
    with pytest.raises(AskedWrongly) as caught:
        TrainSpec.parse(document)
    return {problem.field: problem.words for problem in caught.value.fields}


def test_what_is_left_out_takes_the_defaults_of_the_contract() -> None:
    spec = TrainSpec.parse({"data": {"path": "replies.csv"}}).to_json()

    assert spec["version"] == 1
    assert spec["model"]["source"] == "starter"
    assert spec["objective"] == {"name": "chat"}
    assert spec["method"] | {"rank": 16, "alpha": 32.0, "targets": "all-linear"} == spec["method"]
    assert spec["training"] | {"epochs": 3, "batch_size": 4, "seed": 0} == spec["training"]


def test_a_spec_survives_json_both_ways() -> None:
    spec = TrainSpec.parse(
        {"method": {"name": "lora", "layers": {"last": 2}, "targets": ["q_proj"]}, "name": "Zwölf"}
    )

    assert TrainSpec.parse(json.loads(json.dumps(spec.to_json()))) == spec


def test_all_errors_come_at_once_each_at_its_field() -> None:
    found = problems(
        {
            "methd": {},
            "version": 2,
            "model": {"quantization": "nf5"},
            "method": {"name": "lora", "rank": 0},
            "training": {"epochs": "three", "batchsize": 4},
        }
    )

    assert set(found) == {
        *("methd", "version", "model.quantization", "method.rank"),
        *("training.epochs", "training.batchsize"),
    }
    assert "Did you mean 'method'?" in found["methd"]
    assert "Did you mean 'batch_size'?" in found["training.batchsize"]
    assert found["method.rank"] == "Found 0; expected at least 1."


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], None),
        ({"method": "lara"}, "method.name"),
        ({"method": {"name": "lora", "bottleneck": 8}}, "method.bottleneck"),
        ({"objective": {"name": "chatt"}}, "objective.name"),
        ({"training": {"learning_rate": 0}}, "training.learning_rate"),
        ({"training": {"eval_every": 0}}, "training.eval_every"),
        ({"training": {"epochs": True}}, "training.epochs"),
        ({"training": 3}, "training"),
        ({"data": {"held_out": 1.5}}, "data.held_out"),
        ({"name": 7}, "name"),
        ({"method": {}}, "method"),
    ],
)
def test_an_impossible_value_names_its_field(document: Any, field: str | None) -> None:
    found = problems(document)

    assert field is None or field in found


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"model": {"quantization": "nf4"}, "method": "full"}, "model.quantization"),
        (
            {"model": {"quantization": "int8", "double_quantization": True}},
            "model.double_quantization",
        ),
        ({"model": {"double_quantization": True}}, "model.double_quantization"),
    ],
)
def test_what_cannot_be_quantised_is_said_at_its_field(document: Any, field: str) -> None:
    assert set(problems(document)) == {field}


@pytest.mark.parametrize(
    ("training", "field"),
    [
        ({"sharding": "fsdp"}, "training.sharding"),
        ({"sharding": "fsdp", "processes": 2, "optimizer": "adamw_8bit"}, "training.optimizer"),
        ({"processes": 0}, "training.processes"),
        ({"offload": "auto", "devices": "cpu"}, "training.offload"),
        ({"offload": "auto", "processes": 2, "sharding": "fsdp"}, "training.offload"),
    ],
)
def test_what_processes_cannot_share_is_said_at_its_field(training: Any, field: str) -> None:
    assert set(problems({"training": training})) == {field}


def test_qlora_is_lora_over_a_quantised_base() -> None:
    assert TrainSpec.parse({"method": "qlora"}).model.quantization == "nf4"
    chosen = TrainSpec.parse({"method": "qlora", "model": {"quantization": "int8"}})
    assert chosen.model.quantization == "int8"
    assert TrainSpec.parse(chosen.to_json()) == chosen
    assert TrainSpec.parse({"method": "lora"}).model.quantization == "none"
    found = problems({"method": "qlora", "model": {"quantization": "none"}})
    assert 'use "nf4" or leave it out' in found["model.quantization"]


def test_the_learning_rate_left_out_is_the_methods_own() -> None:
    assert TrainSpec.parse({"method": "full"}).training.learning_rate == 2e-5
    assert TrainSpec.parse({"method": "lora"}).training.learning_rate == 2e-4


@pytest.mark.parametrize(
    ("section", "values", "field"),
    [
        ("training", {"eval_every": "never"}, "training.eval_every"),
        ("data", {"held_out": 0.0}, "training.early_stopping"),
    ],
)
def test_early_stopping_needs_something_to_stop_by(
    section: str, values: dict[str, Any], field: str
) -> None:
    document: dict[str, Any] = {"training": {"early_stopping": 2}}
    document.setdefault(section, {}).update(values)

    assert set(problems(document)) == {field}


@pytest.mark.parametrize("content", ["", "{", "[1", "\x00"])
def test_a_file_that_is_no_json_is_said_to_be_so(content: str, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(AskedWrongly, match="not valid JSON"):
        TrainSpec.load(file)


def test_a_missing_spec_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AskedWrongly, match=r"nothing\.json"):
        TrainSpec.load(tmp_path / "nothing.json")


def test_an_order_survives_json_both_ways() -> None:
    base = {"source": "s", "revision": "r", "folder": "/f", "title": "T", "licence": None}
    order = TrainOrder.parse({"spec": {}, "base": base, "predicted": {"time": None}})

    assert TrainOrder.parse(order.to_json()) == order


def test_an_export_names_an_unknown_format_and_setting() -> None:
    with pytest.raises(AskedWrongly, match="Did you mean 'merged'"):
        ExportSpec.parse({"job": 1, "format": "mergd", "out": "/o"})
    with pytest.raises(AskedWrongly) as caught:
        ExportSpec.parse({"job": 1, "format": "merged", "settings": {"dtype": "fp8"}, "out": "/o"})
    assert [problem.field for problem in caught.value.fields] == ["settings.dtype"]


@pytest.mark.parametrize(
    "file", sorted(Path(__file__).with_name("released").glob("*.json")), ids=lambda file: file.stem
)
def test_a_spec_of_each_version_is_read_for_ever_with_every_value_it_names(file: Path) -> None:
    document = json.loads(file.read_text(encoding="utf-8"))

    read = TrainSpec.load(file).to_json()

    for section, values in document.items():
        found = read[section]
        kept = {name: found[name] for name in values} if isinstance(values, dict) else found
        assert kept == values, section


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("lora", "rank alpha dropout targets layers rslora dora init plus_ratio"),
        ("qlora", "rank alpha dropout targets layers"),
        ("houlsby", "bottleneck"),
        ("adamix", "bottleneck experts"),
        ("prompt_tuning", "virtual_tokens"),
        ("intrinsic_prompt", "virtual_tokens dimension"),
        ("prefix_tuning", "virtual_tokens projection"),
        ("p_tuning", "virtual_tokens encoder encoder_hidden"),
        ("llama_adapter", "adapter_length layers"),
        ("diff_pruning", "sparsity"),
        ("far", "share"),
    ],
)
def test_the_settings_that_others_rely_on_have_their_names(method: str, settings: str) -> None:
    held = TrainSpec.parse({"method": method}).method.settings
    given = {name: getattr(held, name) for name in settings.split()}

    assert TrainSpec.parse({"method": {"name": method, **given}}).method.settings == held


@pytest.mark.parametrize(
    ("method", "former", "now"),
    [("llama_adapter", "virtual_tokens", "adapter_length"), ("diff_pruning", "share", "sparsity")],
)
def test_a_setting_s_former_name_is_read_but_not_beside_its_present_one(
    method: str, former: str, now: str
) -> None:
    default = getattr(METHODS[method].settings(), now)
    read = TrainSpec.parse({"method": {"name": method, former: default / 2 if default < 1 else 3}})

    assert getattr(read.method.settings, now) != default
    assert former not in read.to_json()["method"]
    with pytest.raises(AskedWrongly) as caught:
        TrainSpec.parse({"method": {"name": method, former: default, now: default}})
    assert [each.field for each in caught.value.fields] == [f"method.{former}"]
