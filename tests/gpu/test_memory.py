"""Estimated memory on a CUDA device beside what torch and the driver say: `pytest tests/gpu/test_memory.py -s`.

Models of random weights, with torch, transformers, peft, safetensors and pytest at hand. Each line says what
was estimated of the tensors, and what `max_memory_allocated`, `max_memory_reserved` and NVML saw.
"""

from __future__ import annotations

import gc
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoConfig

from studio.estimator.blueprint import Plan
from studio.estimator.deep import DeepModel
from studio.estimator.microbatch import micro_batch
from studio.spec import TrainSpec
from studio.training.loading import choose_numbers
from tests.studio.estimator.configurations import make_rows
from tests.studio.estimator.real_step import ready

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA device here"
)

# Wide enough that what kernels keep for themselves is small beside the tensors.
LLAMA: dict[str, Any] = {
    "vocab_size": 32_000,
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 8,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "max_position_embeddings": 4096,
}
GPT2: dict[str, Any] = {"vocab_size": 32_000, "n_embd": 1024, "n_layer": 8, "n_head": 16}
MODELS = {
    "llama": ("LlamaConfig", LLAMA),
    "qwen3": ("Qwen3Config", {**LLAMA, "head_dim": 64, "tie_word_embeddings": True}),
    "gpt2": ("GPT2Config", {**GPT2, "n_positions": 1024}),
}
METHODS: dict[str, Any] = {
    "lora": "lora",
    "dora": {"name": "lora", "dora": True},
    "upper layers": {"name": "lora", "layers": {"last": 2}},
    "full": "full",
    "houlsby": "houlsby",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "bf16": {"precision": "bf16"},
    "fp32, recomputed": {"precision": "fp32", "gradient_checkpointing": True},
}
CASES = [(model, method, how) for model in MODELS for method in METHODS for how in SETTINGS]
LENGTHS = (700, 500, 400, 300)
# The allocator hands memory out in pieces of 512 bytes; kernels take what they want while they run.
TOLERANCE, KERNELS_BYTES = 0.05, 64 * 2**20


@dataclass(frozen=True)
class Seen:
    """Bytes beyond what was there before: torch's tensors, torch's blocks, and what the driver counts."""

    allocated: int
    reserved: int
    driver: int | None


@pytest.fixture(autouse=True)
def empty_device() -> Iterator[None]:
    """Nothing of an earlier case lies on the device."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()


def test_there_are_thirty_cases() -> None:
    assert len(CASES) == 30


@pytest.mark.parametrize(("model", "method", "how"), CASES)
def test_the_estimate_is_what_the_device_holds(
    model: str, method: str, how: str, tmp_path: Path
) -> None:
    if how == "bf16" and not torch.cuda.is_bf16_supported():
        pytest.skip("this device knows no bf16")
    kind, values = MODELS[model]
    getattr(transformers, kind)(**values).save_pretrained(tmp_path)
    training = {"batch_size": len(LENGTHS), **SETTINGS[how]}
    spec = TrainSpec.parse({"method": METHODS[method], "training": training})
    trains_weights = spec.method.method.family == "full"
    numbers = choose_numbers(
        spec.training.precision, torch.device("cuda"), trains_weights=trains_weights
    )
    rows = make_rows(*LENGTHS, vocabulary=32_000)
    found = DeepModel.of(tmp_path, Plan.of(spec, numbers))
    estimated = found.step_cost(spec, micro_batch(rows, packed=True), numbers).peak.bytes

    before = torch.cuda.memory_allocated(), torch.cuda.memory_reserved(), _driver_bytes()
    config = AutoConfig.from_pretrained(tmp_path)
    config.use_cache = False
    made = ready(config, spec, rows, numbers, packed=True, device="cuda")
    for number in range(3):
        made.step(number)
    torch.cuda.synchronize()
    seen = Seen(
        torch.cuda.max_memory_allocated() - before[0],
        torch.cuda.max_memory_reserved() - before[1],
        _beyond(before[2], _driver_bytes()),
    )

    error = (estimated - seen.allocated) / seen.allocated
    driver = f"{seen.driver / 1e6:.0f}" if seen.driver is not None else "not asked"
    print(
        f"\n{model}, {method}, {how}: estimated {estimated / 1e6:.0f} MB, allocated "
        f"{seen.allocated / 1e6:.0f} ({error:+.2%}), reserved {seen.reserved / 1e6:.0f}, driver {driver}"
    )
    assert abs(estimated - seen.allocated) <= TOLERANCE * seen.allocated + KERNELS_BYTES
    assert seen.reserved >= seen.allocated
    if seen.driver is not None:
        assert seen.driver >= seen.reserved - KERNELS_BYTES


def _beyond(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _driver_bytes() -> int | None:
    """What the driver counts on the device, of all programs; None where it cannot be asked."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    number = torch.cuda.current_device()
    command = [
        program,
        "--query-gpu=memory.used",
        "--format=csv,noheader,nounits",
        f"--id={number}",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found = answer.stdout.strip().splitlines()
    return int(found[0]) * 2**20 if answer.returncode == 0 and found[0].isdigit() else None
