"""Memory for `bench estimate`: what is estimated beside what torch's profiler sees of a real step.

`memory exact` and `memory bounded` draw small trainings by a seed; `memory starter` measures the starter
model at its full size; `memory process` looks at the whole training process from outside.
"""

from __future__ import annotations

import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks._cells import Cell

Found = Mapping[str, Mapping[str, Any]]
EXACT, BOUNDED = 100, 40
# Bounds as shares: median, 95th percentile and worst of the exact; over reality of the bounded.
LIMITS, OVER, STARTER, PROCESS, PROCESS_UNDER = (0.001, 0.01, 0.03), 0.30, 0.005, 0.10, 0.03

# At the starter's full size: what is set beside its defaults.
_LORA, _ROWS = {"name": "lora"}, (180, 150, 120, 90)
FULL_SIZE: dict[str, dict[str, Any]] = {
    "lora": {"method": _LORA},
    "lora, recomputed": {"method": _LORA, "training": {"gradient_checkpointing": True}},
    "lora, padded": {"method": _LORA, "training": {"packing": "off"}},
    "lora, last 8 layers": {"method": {"name": "lora", "layers": {"last": 8}}},
    "dora": {"method": {"name": "lora", "dora": True}},
    "full": {"method": "full"},
    "full, sgd": {"method": "full", "training": {"optimizer": "sgd"}},
    "qlora": {"method": "qlora"},
    "ia3": {"method": "ia3"},
    "houlsby, accumulated": {"method": "houlsby", "training": {"gradient_accumulation": 2}},
}


def cells(seed: int) -> dict[str, Cell]:
    """One cell a training."""
    found: dict[str, Cell] = {}
    for kind, count in (("exact", EXACT), ("bounded", BOUNDED)):
        for number in range(count):
            found[f"memory {kind} seed {seed} {number:03}"] = functools.partial(
                _drawn, seed, kind, number
            )
    for name, values in FULL_SIZE.items():
        found[f"memory starter {name}"] = functools.partial(_apart, "starter", values)
        found[f"memory process {name}"] = functools.partial(_apart, "process", values)
    return found


def report(found: Found, seed: int) -> bool:
    """Print the errors by kind; True where all are within their bounds."""
    good = [
        _report_exact(_of(found, f"memory exact seed {seed} "), seed),
        _report_bounded(_of(found, f"memory bounded seed {seed} "), seed),
        _report_each(_of(found, "memory starter "), "starter at full size", STARTER, STARTER),
        _report_each(_of(found, "memory process "), "peak RSS", PROCESS, PROCESS_UNDER),
    ]
    return all(good)


def _of(found: Found, prefix: str) -> dict[str, Mapping[str, Any]]:
    return {name: cell for name, cell in found.items() if name.startswith(prefix)}


def _error(cell: Mapping[str, Any]) -> float:
    return float((cell["estimated"] - cell["real"]) / cell["real"])


def _report_exact(found: Found, seed: int) -> bool:
    errors = {name: _error(cell) for name, cell in found.items()}
    if not errors:
        return False
    sizes = sorted(map(abs, errors.values()))
    median, p95, worst = statistics.median(sizes), sizes[int(0.95 * (len(sizes) - 1))], sizes[-1]
    under = sorted(error for error in errors.values() if error < 0)
    print(
        f"memory, {len(sizes)} exact settings by seed {seed}: median {median:.4%}, 95th percentile "
        f"{p95:.3%}, worst {worst:.3%} (limits 0.1, 1, 3 %); {len(under)} predicted too low, at most "
        f"by {-min(under, default=0.0):.3%}"
    )
    for name in sorted(errors, key=lambda each: -abs(errors[each]))[:5]:
        print(f"  {errors[name]:+8.3%}  {found[name]['words']}")
    return len(sizes) >= EXACT and all(
        value < limit for value, limit in zip((median, p95, worst), LIMITS, strict=True)
    )


def _report_bounded(found: Found, seed: int) -> bool:
    """Of these a person is told a range; its upper end is the bound."""
    from studio.estimator.certainty import DOUBT

    highest = 1 + DOUBT["bounded"]
    errors = {name: highest * (1 + _error(cell)) - 1 for name, cell in found.items()}
    if not errors:
        return False
    low, high = min(errors.values()), max(errors.values())
    print(
        f"memory, {len(errors)} bounded settings by seed {seed}, the range's upper end: "
        f"{sum(e < 0 for e in errors.values())} below reality (limit 0), from {low:+.3%} to {high:+.3%} "
        "(limit +30 %)"
    )
    wrong = [name for name, error in errors.items() if not 0 <= error <= OVER]
    for name in wrong:
        print(f"  {errors[name]:+8.3%}  {found[name]['words']}")
    return len(errors) >= BOUNDED and not wrong


def _report_each(found: Found, title: str, over: float, under: float) -> bool:
    errors = {name: _error(cell) for name, cell in found.items()}
    for name, error in errors.items():
        cell = found[name]
        print(
            f"{title}, {name.split(' ', 2)[2]:22} estimated {cell['estimated'] / 1e6:8.1f} MB, real "
            f"{cell['real'] / 1e6:8.1f} MB, {error:+.3%} (limit {-under:+.1%} to {over:+.1%})"
        )
    wrong = [name for name, error in errors.items() if not -under <= error <= over]
    return len(errors) == len(FULL_SIZE) and not wrong


def _drawn(seed: int, kind: str, number: int) -> dict[str, Any]:
    """The `number`-th training of that kind which its method can do and which a step can be simulated of."""
    from studio.errors import StudioError
    from studio.estimator.surfaces import CANNOT_BE_SIMULATED
    from tests.studio.estimator.drawing import draw

    chance = random.Random(f"{seed} {kind} {number}")
    while True:
        drawn = draw(chance)
        if drawn.certainty != kind:
            continue
        try:
            with tempfile.TemporaryDirectory() as folder:
                estimated, real = drawn.compare(Path(folder))
        except StudioError:
            continue
        except CANNOT_BE_SIMULATED as error:
            if kind == "exact":
                raise
            print(f"  not simulated: {drawn.words}: {error}"[:200], file=sys.stderr)
            continue
        return {"estimated": estimated, "real": real, "words": drawn.words}


def _apart(what: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """In a process of its own: the starter takes a gigabyte, and peaks are of whole processes."""
    command = [sys.executable, "-m", "tests.benchmarks._estimating_memory", what]
    answer = subprocess.run(
        command, input=json.dumps(values), capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr[-800:])
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _of_starter(values: Mapping[str, Any]) -> dict[str, int]:
    """Tensor bytes at the peak of a step of the starter."""
    import torch
    from transformers import AutoConfig

    from studio.estimator.blueprint import Plan
    from studio.estimator.deep import DeepModel
    from studio.estimator.microbatch import micro_batch
    from studio.spec import TrainSpec
    from studio.training.loading import choose_numbers
    from tests.studio.estimator.configurations import make_rows
    from tests.studio.estimator.real_step import peak_bytes

    spec = TrainSpec.parse(values)
    folder = _starter()
    numbers = choose_numbers(
        "fp32", torch.device("cpu"), trains_weights=spec.method.method.family == "full"
    )
    packed, rows = spec.may_pack, make_rows(*_ROWS, vocabulary=49_152)
    config = AutoConfig.from_pretrained(folder)
    config.use_cache = False
    adds_up = spec.training.gradient_accumulation > 1
    shape = replace(micro_batch(rows, packed=packed), adds_up=adds_up)
    estimated = DeepModel.of(folder, Plan.of(spec, numbers)).step_cost(spec, shape, numbers)
    real = peak_bytes(config, spec, rows, numbers, packed=packed)
    return {"estimated": estimated.peak.bytes, "real": real}


def _of_process(values: Mapping[str, Any]) -> dict[str, int]:
    """The peak of the process that the queue trains in, and what was said before: over twelve steps, as in
    the first ones the heap still grows."""
    from jobs.endings import read_ending
    from jobs.programs import command, environment
    from jobs.task_process import SPEC
    from studio.orders.desk import TASKS
    from studio.settings import Home
    from studio.worker.client import Worker
    from tests.studio.runs import context, make_order

    with tempfile.TemporaryDirectory() as place:
        home = Home(Path(place) / "home").prepare()
        data = Path(place) / "rows.csv"
        data.write_text("question,answer\n" + "".join(_lines()), encoding="utf-8")
        training = {"max_steps": 12, "precision": "fp32", **values.get("training", {})}
        order = make_order(home, _starter(), data, values["method"], **training)
        worker = Worker(home)
        try:
            memory = worker.estimate(order.spec)["memory"]
        finally:
            worker.stop()
        folder = context(home, 1, order.to_json()).folder
        (folder / SPEC).write_text(json.dumps(order.to_json()), encoding="utf-8")
        numbers = {"job": 1, "attempt": 1, "crashes": 0, "parent": os.getpid()}
        task = command(
            "jobs.task_process",
            f"--folder={folder}",
            f"--tasks={TASKS}",
            "--task=train",
            *(f"--{name}={number}" for name, number in numbers.items()),
        )
        subprocess.run(task, env=environment(), check=True, stdout=sys.stderr)
        ending = read_ending(folder, 1)
    if ending is None or ending.result is None:
        raise RuntimeError(f"the training did not end well: {ending and ending.words}")
    return {
        "estimated": memory["peak_bytes"],
        "real": ending.result["measured"]["peak_bytes"],
        # What the rest of it is made of, for whoever looks at why they differ.
        "tensors": memory["tensor_bytes"],
        "passing": memory["parts"]["activations"] + memory["parts"]["loss"],
    }


def _lines() -> Iterator[str]:
    chance = random.Random(0)
    words = ("river", "stone", "lamp", "seven", "green", "walks", "under", "paper")
    for _ in range(40):
        question, answer = (" ".join(chance.choices(words, k=chance.randint(20, 70))) for _ in "qa")
        yield f"{question},{answer}\n"


def _starter() -> Path:
    """The starter model, converted once for all benchmarks."""
    from tests.benchmarks.training import model_folder

    return model_folder()


if __name__ == "__main__":
    _WHAT = {"starter": _of_starter, "process": _of_process}
    print(json.dumps(_WHAT[sys.argv[1]](json.load(sys.stdin))))
