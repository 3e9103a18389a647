"""The whole estimate, and the parts of it that are plain arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import torch
import transformers

from studio.devices import Device, Machine
from studio.estimator import rate as rates
from studio.estimator.certainty import PROVEN_FAMILIES, certainty
from studio.estimator.disk import disk
from studio.estimator.duration import by_rate
from studio.estimator.estimate import Rows, estimate
from studio.estimator.files import Written
from studio.estimator.live import PARTS, LiveStorages
from studio.estimator.microbatch import MicroBatch, RunShape
from studio.spec import TrainSpec
from studio.spec.sections import ModelChoice, Training
from tests.studio.estimator.configurations import (
    CONFIGURATIONS,
    EXPERTS,
    NOT_SIMULATED,
    make_folder,
    make_rows,
)

GB = 10**9
CPU = Device("cpu:0", "cpu", 16 * GB, 16 * GB, "processor")
GPU = Device("cuda:0", "cuda", 24 * GB, 24 * GB, "a GPU")
MACHINE = Machine((CPU,), 100 * GB)
ROWS = Rows(make_rows(*range(20, 44)), make_rows(30, 31))


def spec(**values: Any) -> TrainSpec:
    """A checked spec."""
    return TrainSpec.parse(values)


def test_the_document_has_every_field_of_the_contract(tmp_path: Path) -> None:
    found = estimate(spec(), make_folder("llama", tmp_path), ROWS, MACHINE, home=tmp_path).to_json()

    assert set(found) >= {"parameters", "shape", "memory", "time", "disk", "verdict", "plan"}
    assert set(found["memory"]["parts"]) == set(PARTS)
    assert {"peak_bytes", "low_bytes", "high_bytes", "certainty"} <= set(found["memory"])
    assert {"seconds", "low", "high", "cpu_seconds"} <= set(found["time"])
    assert found["plan"] is None


def test_the_parts_add_up_to_the_peak(tmp_path: Path) -> None:
    memory = estimate(spec(), make_folder("llama", tmp_path), ROWS, MACHINE).memory

    assert sum(memory.parts.values()) == memory.peak_bytes
    assert memory.low_bytes <= memory.peak_bytes <= memory.high_bytes


def test_the_shape_comes_from_the_rows_where_they_are_known(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)

    known = estimate(spec(), folder, ROWS, MACHINE)
    unknown = estimate(spec(), folder, None, MACHINE)

    assert known.run.largest.tokens < 4 * 44
    assert unknown.run.largest.tokens == 4 * 512
    assert known.memory.peak_bytes < unknown.memory.peak_bytes


def test_only_what_was_compared_with_reality_is_called_exact(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)

    on_cpu = estimate(spec(), folder, ROWS, MACHINE).memory
    on_gpu = estimate(spec(), folder, ROWS, Machine((GPU, CPU), GB)).memory

    assert on_cpu.certainty == "exact"
    assert on_gpu.certainty == "bounded"
    assert on_gpu.low_bytes < on_gpu.peak_bytes < on_gpu.high_bytes


def test_low_precision_is_a_range() -> None:
    assert certainty(spec(), "llama", "bf16", CPU) == "bounded"
    assert certainty(spec(), "llama", "fp32", CPU) == "exact"


def test_each_setting_says_beside_its_declaration_how_sure_the_memory_is() -> None:
    held = {"quantization": "nf4", "double_quantization": True}

    assert certainty(spec(model=held), "llama", "fp32", CPU) == "exact"
    assert certainty(spec(model=held), "llama", "fp32", GPU) == "bounded"
    paged = spec(training={"optimizer": "paged_adamw_8bit"})
    assert certainty(paged, "llama", "fp32", CPU) == "bounded"
    compiled = spec(training={"compile": "on"})
    assert certainty(compiled, "llama", "fp32", CPU) == "bounded"


def test_the_least_sure_setting_decides() -> None:
    pair = spec(training={"processes": 2})
    shared = spec(training={"processes": 2, "sharding": "fsdp"})

    assert certainty(pair, "llama", "fp32", CPU) == "bounded"
    assert certainty(shared, "llama", "fp32", CPU) == "not estimated"


def test_every_value_that_is_declared_can_be_chosen() -> None:
    for section in (Training, ModelChoice):
        for name, field in section.model_fields.items():
            more = field.json_schema_extra
            declared: Any = more.get("memory") if isinstance(more, dict) else None
            allowed = {str(value) for value in get_args(field.annotation)} or {"True", "False", "1"}
            assert set(declared or ()) <= allowed | {"more"}, name


def test_a_quantised_base_needs_less_and_its_scales_are_a_part_of_their_own(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)
    whole = estimate(spec(), folder, ROWS, MACHINE)
    held = estimate(spec(model={"quantization": "nf4"}), folder, ROWS, MACHINE)

    assert held.memory.tensor_bytes < whole.memory.tensor_bytes
    assert held.memory.parts["weights"] < whole.memory.parts["weights"]
    assert held.memory.parts["quantization"] > 0 == whole.memory.parts["quantization"]
    assert held.counts == whole.counts
    assert held.disk == whole.disk


def test_an_architecture_that_nobody_compared_is_a_range() -> None:
    assert certainty(spec(), "quux", "fp32", CPU) == "bounded"


def test_the_proven_architectures_are_those_that_a_test_compares() -> None:
    compared = {
        getattr(transformers, kind).model_type
        for name, (kind, _) in CONFIGURATIONS.items()
        if name not in NOT_SIMULATED | EXPERTS
    }

    assert compared == PROVEN_FAMILIES


def test_what_cannot_be_simulated_is_said_to_be_not_estimated(tmp_path: Path) -> None:
    padded = spec(training={"packing": "off"})

    found = estimate(padded, make_folder("jamba", tmp_path), ROWS, MACHINE)

    assert found.memory.certainty == "not estimated"
    assert found.counts.trainable > 0
    assert found.memory.high_bytes > found.memory.tensor_bytes


def test_the_verdict_is_about_the_memory_that_was_named(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)

    assert estimate(spec(), folder, ROWS, MACHINE).verdict.fits
    small = estimate(spec(), folder, ROWS, MACHINE, memory_bytes=100_000_000).verdict
    assert not small.fits
    assert small.free_bytes == 100_000_000


def test_untrained_layers_take_a_state_a_token_where_only_upper_ones_train(tmp_path: Path) -> None:
    folder = make_folder("llama", tmp_path)
    rows = Rows(training=make_rows(20, 12), held_out=make_rows(8))
    hidden = 64

    def kept(layers: Any, **training: Any) -> int:
        method = {"name": "lora", "layers": layers}
        asked = spec(method=method, training={"precision": "fp32", **training})
        return estimate(asked, folder, rows, MACHINE).disk.layer_cache_bytes

    assert kept({"last": 1}) == (20 + 12 + 8) * hidden * 4
    assert kept("all") == 0
    assert kept({"last": 1}, packing="off") == 0
    assert kept({"last": 1}, layer_cache_bytes=1000) == 0


def test_early_stopping_keeps_the_best_checkpoint_besides() -> None:
    asked = spec(training={"early_stopping": 2})

    found = disk(Written(1000, 2000, 0, 1000), asked, whole_bytes=9000, free_bytes=7)

    assert found.checkpoints_bytes == 4 * found.checkpoint_bytes


def test_no_export_is_promised_that_the_method_does_not_allow() -> None:
    def offered(method: str) -> set[str]:
        files = Written(1000, 2000, 0, 1000)
        return set(disk(files, spec(method=method), whole_bytes=9000, free_bytes=7).exports)

    assert offered("prompt_tuning") == {"adapter"}
    assert offered("full") == {"merged"}
    assert offered("lora") == {"adapter", "merged"}


def run(places: int, evaluated: int = 0) -> RunShape:
    """A run whose largest micro-batch has 100 places."""
    return RunShape(MicroBatch(1, 100, 50, 1, 100, 50, True), True, 1, 1, 1, 1, places, evaluated)


def test_the_time_is_the_operations_divided_by_the_rate() -> None:
    once, twice = by_rate(1_000, run(100), 10.0), by_rate(1_000, run(200), 10.0)

    assert once is not None
    assert twice is not None
    assert once.low < once.seconds < once.high
    assert twice.seconds == 2 * once.seconds


def test_without_steps_there_is_no_time() -> None:
    assert by_rate(1_000, run(0), 10.0) is None


def test_the_machine_s_rate_is_kept_in_the_home(tmp_path: Path) -> None:
    found = rates.rate(tmp_path, "cpu", "fp32", (64, 128))

    assert found is not None
    assert found > 1e6
    assert (tmp_path / rates.FILE_NAME).exists()
    assert (rates.rate(tmp_path, "cpu", "fp32", (64, 128)) or 0) >= found


def test_a_damaged_file_of_rates_is_measured_anew(tmp_path: Path) -> None:
    (tmp_path / rates.FILE_NAME).write_text("{nonsense")

    assert rates.rate(tmp_path, "cpu", "fp32", (64, 128))


def test_storages_count_while_something_refers_to_them() -> None:
    with LiveStorages() as live:
        kept = torch.ones(10, device="meta")
        view = kept[2:]
        passing = torch.ones(100, device="meta")
        del passing
        del kept
        torch.ones(5, device="meta")

    assert live.peak.bytes == 4 * 110
    assert view.shape == (8,)


def test_operations_are_counted_as_products() -> None:
    with LiveStorages() as live:
        torch.ones(3, 4, device="meta") @ torch.ones(4, 5, device="meta")

    assert live.flops == 2 * 3 * 4 * 5
