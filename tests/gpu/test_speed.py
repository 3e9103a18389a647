"""Speed and memory beside Trainer, TRL and Unsloth on the GPU that is there: `pytest -m gpu -rs -s`.

Needs torch, transformers, peft, safetensors and pytest; what else a rival needs and is not there is skipped
with its reason. The model is made from a configuration with random weights. Nothing here is asserted about
time: losses must agree, times and memory are printed as ratios.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.gpu.rivals import MISSING, RIVALS

ROOT = Path(__file__).resolve().parents[2]
STEPS, WARM_UP, BATCH, ROUNDS = 40, 10, 4, 3
# (hidden, layers): about 0.5 and 1.5 billion parameters, by the memory that is free.
SMALL, LARGE = (1536, 16), (2048, 24)
VOCABULARY = 32_768

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA device here"
)


def make_model(folder: Path, hidden: int, layers: int) -> Path:
    """A random Llama in bf16; the same every time."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=hidden // 256,
        max_position_embeddings=2048,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def write_rows(path: Path, count: int, vocabulary: int = VOCABULARY) -> Path:
    """Rows of 20 to 512 tokens of which about 70 % are trained; the same every time."""
    chance = random.Random(0)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(count):
            length = min(512, max(20, int(chance.lognormvariate(4.8, 0.7))))
            ids = [chance.randrange(vocabulary) for _ in range(length)]
            asked = int(length * 0.3)
            mask = [0] * asked + [1] * (length - asked)
            file.write(json.dumps({"ids": ids, "mask": mask}) + "\n")
    return path


def run(name: str, task: dict[str, Any]) -> dict[str, Any] | str:
    """One program's result, or in words what it needs and is not there."""
    out = Path(task["out"])
    out.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.gpu.rivals", name, json.dumps(task)],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == MISSING:
        return done.stderr.strip().splitlines()[-1]
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return result


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every program is given."""
    folder = tmp_path_factory.mktemp("speed")
    free, _ = torch.cuda.mem_get_info()
    hidden, layers = LARGE if free > 30e9 else SMALL
    return {
        "model": str(make_model(folder / "model", hidden, layers)),
        "rows": str(write_rows(folder / "rows.jsonl", STEPS * BATCH)),
        "out": str(folder / "out.json"),
        "steps": STEPS,
        "batch_size": BATCH,
        "precision": "bf16",
    }


@pytest.mark.parametrize("name", sorted(set(RIVALS) - {"ours"}))
def test_losses_agree_and_the_ratios_are_printed(name: str, task: dict[str, Any]) -> None:
    times: dict[str, list[float]] = {"ours": [], name: []}
    peaks: dict[str, int] = {}
    losses: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for each in times:
            found = run(each, task)
            if isinstance(found, str):
                pytest.skip(found)
            times[each].append(sum(found["seconds"][WARM_UP:]))
            peaks[each], losses[each] = found["peak_bytes"], found["losses"]

    ratio = statistics.median(times[name]) / statistics.median(times["ours"])
    print(
        f"\n{torch.cuda.get_device_name()}: ours takes 1 / {ratio:.2f} of {name}'s time "
        f"and {peaks['ours'] / peaks[name]:.2f} of its memory "
        f"({STEPS - WARM_UP} steps, {ROUNDS} rounds: {times})"
    )
    for left, right in zip(losses["ours"], losses[name], strict=True):
        assert left == pytest.approx(right, rel=0.03)
