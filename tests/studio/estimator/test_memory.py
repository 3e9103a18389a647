"""Memory estimates against reality: a real step, its allocations recorded by torch's profiler.

Tiny models make the comparison hard: what a step holds beside the large tensors weighs more in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from studio.estimator.blueprint import Plan, blueprint
from studio.estimator.memory import simulate
from studio.estimator.microbatch import micro_batch
from studio.estimator.patches import PATCHED
from studio.spec import TrainSpec
from studio.training.loading import choose_numbers
from tests.studio.estimator.configurations import (
    CONFIGURATIONS,
    EXPERTS,
    NOT_CAUSAL,
    NOT_SIMULATED,
    PADDED_ONLY,
    make_folder,
    make_rows,
)
from tests.studio.estimator.drawing import rows_for
from tests.studio.estimator.real_step import peak_bytes
from tests.studio.training.tuners.soft_prompts import WAYS

PACKED, ONE_ROW, PADDED, EVEN = (
    (True, (40, 31, 25)),
    (True, (60,)),
    (False, (40, 31, 25)),
    (False, (40, 40)),
)
DORA = {"name": "lora", "dora": True}
DROPOUT = {"name": "lora", "dropout": 0.1}
# Shared keys, sliding windows, learned positions, one key for all heads, experts.
SAMPLE = {"qwen3", "gemma2", "gpt2", "falcon", "mixtral"}
FEW = {"name": "lora", "targets": "attention", "layers": {"last": 1}}
GATED = {"name": "llama_adapter", "layers": {"last": 2}}
LEARNERS = {"name": "far", "layers": {"last": 2}}
PRUNED = {"name": "diff_pruning", "layers": {"last": 2}}


def compare(
    name: str,
    folder: Path,
    method: Any,
    training: dict[str, Any],
    rows: tuple[bool, tuple[int, ...]],
    held: dict[str, Any] | None = None,
    objective: Any = "chat",
    layers: int | None = None,
) -> float:
    """(estimated - real) / real of the peak's tensor bytes."""
    packed, lengths = rows
    source = make_folder(name, folder, layers)
    spec = TrainSpec.parse(
        {
            "method": method,
            "objective": objective,
            "training": {
                "batch_size": len(lengths),
                "precision": "fp32",
                "packing": "auto" if packed else "off",
            }
            | training,
            "model": held or {},
        }
    )
    layout = spec.objective.objective.layout
    trains_weights = spec.method.method.family == "full"
    numbers = choose_numbers(
        spec.training.precision, torch.device("cpu"), trains_weights=trains_weights
    )
    config = AutoConfig.from_pretrained(source)
    config.use_cache = False
    encoded = rows_for(spec, *lengths)
    real = peak_bytes(config, spec, encoded, numbers, packed=packed)
    plan = Plan.of(spec, numbers)
    shape = micro_batch(encoded, layout, packed=packed)
    estimated = simulate(blueprint(source, plan), spec, shape, numbers).peak.bytes
    return (estimated - real) / real


@pytest.mark.parametrize("rows", [PACKED, ONE_ROW, PADDED, EVEN])
def test_the_peak_is_the_real_one_for_every_layout(rows: Any, tmp_path: Path) -> None:
    assert abs(compare("llama, tied", tmp_path, "lora", {}, rows)) < 0.0002


@pytest.mark.parametrize("method", ["full", DORA, DROPOUT, FEW, GATED, PRUNED, LEARNERS])
@pytest.mark.some(4)
def test_the_peak_is_the_real_one_for_every_method(method: Any, tmp_path: Path) -> None:
    assert abs(compare("llama, tied", tmp_path, method, {}, PADDED)) < 0.0002


# They look at numbers that a simulation does not have, take weights apart, or compute with complex numbers.
LOOKING = ("loha", {"name": "shira", "rank": 4}, {"name": "waveft", "frequencies": 200}, "frod")
TAKING_APART = ("lokr", "vblora", "c3a", "osf", "psoft", "fourierft")


@pytest.mark.parametrize(
    "method",
    [*LOOKING, *(pytest.param(name, marks=pytest.mark.long) for name in TAKING_APART)],
    ids=str,
)
def test_the_peak_is_the_real_one_for_methods_that_look_at_values(
    method: Any, tmp_path: Path
) -> None:
    assert abs(compare("llama, tied", tmp_path, method, {}, PADDED)) < 0.0002


@pytest.mark.parametrize(
    "training",
    [
        {"gradient_accumulation": 2},
        {"attention": "eager"},
        {"optimizer": "sgd"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.some(3)
def test_the_peak_is_the_real_one_for_every_setting(
    method: str, training: dict[str, Any], tmp_path: Path
) -> None:
    assert abs(compare("llama", tmp_path, method, training, PACKED)) < 0.0002


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("kind", ["nf4", "fp4", "int8"])
@pytest.mark.some(2)
def test_the_peak_is_the_real_one_over_a_quantised_base(
    kind: str, double: bool, tmp_path: Path
) -> None:
    if double and kind == "int8":
        pytest.skip("8-bit weights have no scales to quantise")
    held = {"quantization": kind, "double_quantization": double}

    error = compare("llama", tmp_path, "qlora", {}, PACKED, held)
    deep = compare("llama", tmp_path, "lora", {"gradient_checkpointing": True}, PADDED, held)

    assert abs(error) < (0.001 if double else 0.0002)
    assert abs(deep) < (0.001 if double else 0.0002)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_peak_of_an_8_bit_optimizer_is_the_real_one(method: str, tmp_path: Path) -> None:
    assert abs(compare("llama", tmp_path, method, {"optimizer": "adamw_8bit"}, PACKED)) < 0.002


@pytest.mark.parametrize("share", [0.3, 0.5, 0.75])
@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.some(2)
def test_the_peak_is_the_real_one_where_some_of_the_layers_compute_twice(
    method: str, share: float, tmp_path: Path
) -> None:
    some = {"gradient_checkpointing": True, "checkpointed_share": share}

    assert abs(compare("llama", tmp_path, method, some, PACKED, layers=8)) < 0.0002


def test_the_more_layers_compute_twice_the_less_memory(tmp_path: Path) -> None:
    source = make_folder("llama", tmp_path, 8)
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
    peaks = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        training = {"gradient_checkpointing": share > 0, "checkpointed_share": share or 1.0}
        spec = TrainSpec.parse({"training": training})
        shape = micro_batch(make_rows(*[64] * 4), packed=True)
        built = blueprint(source, Plan.of(spec, numbers))
        peaks.append(simulate(built, spec, shape, numbers).peak.bytes)

    assert peaks == sorted(peaks, reverse=True)
    assert len(set(peaks)) == 5


@pytest.mark.parametrize("method", ["lora", "full", FEW])
@pytest.mark.some(2)
def test_recomputed_activations_are_right_with_the_random_state_kept_with_each_layer(
    method: Any, tmp_path: Path
) -> None:
    error = compare("llama", tmp_path, method, {"gradient_checkpointing": True}, PACKED)

    assert abs(error) < 0.0002


@pytest.mark.parametrize(
    "name",
    [
        name if name in SAMPLE else pytest.param(name, marks=pytest.mark.long)
        for name in sorted(set(CONFIGURATIONS) - NOT_SIMULATED - NOT_CAUSAL)
    ],
)
def test_the_peak_is_the_real_one_for_every_architecture(name: str, tmp_path: Path) -> None:
    rows = PADDED if name in PADDED_ONLY else PACKED

    error = compare(name, tmp_path, "lora", {}, rows)

    if name in EXPERTS:
        # Which rows go to which expert is not known before; all sizes are taken at their largest.
        assert 0 <= error < 0.08
    else:
        assert abs(error) < 0.0002


LABELS = {"name": "classification", "labels": ["a", "b", "c"]}
OBJECTIVES = {
    "dpo": ("llama, tied", PACKED, "preference"),
    "dpo, padded": ("gpt2", PADDED, "preference"),
    "orpo": ("llama", PACKED, {"name": "preference", "algorithm": "orpo"}),
    "kto": ("llama, tied", PADDED, {"name": "preference", "algorithm": "kto"}),
    "labels": ("llama, tied", PADDED, LABELS),
    "labels, even rows": ("qwen2", EVEN, LABELS),
    "labels of bert": ("bert", PADDED, LABELS),
    "labels of bert, even rows": ("bert", EVEN, LABELS),
    "several labels": ("llama", PADDED, {**LABELS, "several": True, "weights": [1, 2, 3]}),
    "seq2seq": ("t5", PADDED, "seq2seq"),
    "seq2seq, even rows": ("t5", EVEN, "seq2seq"),
}


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("case", OBJECTIVES)
@pytest.mark.some(9)
def test_the_peak_is_the_real_one_for_every_objective(
    case: str, method: str, tmp_path: Path
) -> None:
    name, rows, objective = OBJECTIVES[case]

    assert abs(compare(name, tmp_path, method, {}, rows, objective=objective)) < 0.0002


@pytest.mark.parametrize("method", ["lora", "full"])
def test_low_precision_is_never_below_what_the_matrix_library_takes(
    method: str, tmp_path: Path
) -> None:
    """A copy of one side in the order that the kernel likes, large beside a tiny model's rest."""
    assert 0 <= compare("llama", tmp_path, method, {"precision": "bf16"}, PACKED) < 0.3


def test_the_parts_are_what_a_person_would_count_by_hand(tmp_path: Path) -> None:
    """Full fine-tuning in float32: AdamW keeps two numbers a weight, and a step's counter a tensor."""
    spec = TrainSpec.parse({"method": "full"})
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=True)
    built = blueprint(make_folder("llama", tmp_path), Plan.of(spec, numbers))
    weights = sum(parameter.numel() for parameter in built.model.parameters())
    tensors = len(list(built.model.parameters()))

    parts = simulate(built, spec, micro_batch(make_rows(8), packed=True), numbers).peak.parts

    buffers = sum(4 * buffer.numel() for buffer in built.model.buffers())
    assert parts["weights"] == 4 * weights + buffers
    assert parts["optimizer"] - 2 * 4 * weights >= 4 * tensors
    assert parts["adapter"] == parts["quantization"] == 0


def test_more_rows_more_memory_and_recomputing_less(tmp_path: Path) -> None:
    source = make_folder("llama", tmp_path)
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)

    def peak(rows: int, checkpoints: bool) -> int:
        spec = TrainSpec.parse({"training": {"gradient_checkpointing": checkpoints}})
        shape = micro_batch(make_rows(*[64] * rows), packed=True)
        return simulate(blueprint(source, Plan.of(spec, numbers)), spec, shape, numbers).peak.bytes

    assert peak(1, False) < peak(4, False)
    assert peak(4, True) < peak(4, False)


def test_no_gradient_stays_behind_in_the_blueprint(tmp_path: Path) -> None:
    spec = TrainSpec.parse({"training": {"gradient_accumulation": 2}})
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
    built = blueprint(make_folder("llama", tmp_path), Plan.of(spec, numbers))
    shape = micro_batch(make_rows(40, 24), packed=True)

    first = simulate(built, spec, shape, numbers)

    assert all(parameter.grad is None for parameter in built.model.parameters())
    assert simulate(built, spec, shape, numbers) == first


@pytest.mark.parametrize("fails", [False, True])
def test_torch_and_transformers_are_the_originals_afterwards(fails: bool, tmp_path: Path) -> None:
    originals = [getattr(module, name) for module, name in PATCHED]
    spec = TrainSpec.parse({"training": {"packing": "off"}})
    numbers = choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
    built = blueprint(make_folder("jamba" if fails else "llama", tmp_path), Plan.of(spec, numbers))
    shape = micro_batch(make_rows(32, 18), packed=False)

    if fails:
        with pytest.raises(RuntimeError):
            simulate(built, spec, shape, numbers)
    else:
        simulate(built, spec, shape, numbers)

    assert [getattr(module, name) for module, name in PATCHED] == originals


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.some(3)
def test_the_peak_is_the_real_one_for_every_method_that_learns_a_prompt(
    way: str, tmp_path: Path
) -> None:
    # An LSTM lays its weights out anew while it runs, which weighs in a tiny model: "bounded".
    tolerance = 0.05 if WAYS[way].get("encoder") == "lstm" else 0.0002
    for rows in (PADDED, EVEN):
        error = compare("llama, tied", tmp_path / str(rows), WAYS[way], {}, rows)
        assert abs(error) < tolerance
