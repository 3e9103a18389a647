"""Predicted seconds beside measured ones: real trainings at one thread, judged by their CPU seconds."""

from __future__ import annotations

import functools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.settings import ASSETS
from tests.benchmarks._cells import Cell
from tests.benchmarks.training import PLACE, model_folder, products_per_s

WORK = PLACE / "estimate"
LABELS = ("ask", "stock", "broken", "gift")
# How near a prediction is to be, and the one that the run's first tenth corrected, in how many of the runs.
WITHIN, CORRECTED_WITHIN, ENOUGH = 0.20, 0.10, 8
# A spec's lines of metrics that are kept: all of the first tenth, then each hundredth of the run.
_EARLY, _LATER = 0.12, 100


@dataclass(frozen=True)
class Case:
    """One training: how its base is made, `rows` of so many words on average, and what the spec says."""

    name: str
    make_model: Callable[[Path], Path]
    rows: int
    words: int
    method: Any = "lora"
    objective: str = "chat"
    training: Mapping[str, Any] = field(default_factory=dict)
    quantization: str = "none"


def _starter(folder: Path) -> Path:
    return model_folder()


def _tiny(folder: Path) -> Path:
    from tests import tiny

    return tiny.make_model(folder, layers=4, hidden=64)


def _built(kind: str, values: Mapping[str, Any]) -> Callable[[Path], Path]:
    """A model of random weights and this shape, with the starter's tokenizer."""

    def make(folder: Path) -> Path:
        import torch
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder())
        ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
        config = getattr(transformers, kind)(vocab_size=len(tokenizer), **ends, **values)
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


_WIDE = _built(
    "LlamaConfig",
    {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 4, "num_attention_heads": 16,
     "num_key_value_heads": 4, "tie_word_embeddings": True},
)  # fmt: skip
_LONG = _built(
    "Qwen2Config",
    {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8, "num_attention_heads": 8,
     "num_key_value_heads": 2, "tie_word_embeddings": True, "max_position_embeddings": 4096},
)  # fmt: skip
_GPT2 = _built("GPT2Config", {"n_embd": 384, "n_layer": 6, "n_head": 6, "n_positions": 512})

CASES = (
    Case("starter, lora", _starter, 200, 62),
    Case("tiny, full", _tiny, 400, 12, "full", training={"epochs": 200, "batch_size": 8}),
    Case("starter, classification", _starter, 640, 30, objective="classification",
         training={"batch_size": 8}),
    Case("starter, qlora nf4, long rows", _starter, 72, 160, "qlora", training={"batch_size": 2},
         quantization="nf4"),
    Case("gpt2, full", _GPT2, 1300, 28, "full", training={"batch_size": 8}),
    Case("starter, upper half, 3 passes", _starter, 120, 62,
         {"name": "lora", "layers": {"last": 15}}, training={"epochs": 3}),
    Case("wide, lora", _WIDE, 36, 220, training={"batch_size": 1}),
    Case("qwen2, lora, longest rows", _LONG, 48, 800,
         training={"batch_size": 1, "max_length": 2048}),
    Case("starter, full, short rows", _starter, 300, 24, "full", training={"batch_size": 8}),
    Case("starter, lora, checkpointing", _starter, 220, 45,
         training={"batch_size": 8, "gradient_checkpointing": True}),
)  # fmt: skip


def cells() -> dict[str, Cell]:
    """One run a case."""
    return {f"time, run: {case.name}": functools.partial(measure, case) for case in CASES}


def measure(case: Case) -> dict[str, Any]:
    """Train in a process of its own, at one thread, and what it took."""
    place = WORK / case.name.replace(",", "").replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    # The model is made here: making it is no part of training it.
    spec_of(case, place)
    before = products_per_s(1)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", __name__, case.name, str(place)]
    began = time.monotonic()
    with open(place / "log.txt", "w", encoding="utf-8") as log:
        subprocess.run(command, env=environment, check=True, stdout=log, stderr=log)
    wall = time.monotonic() - began
    found: dict[str, Any] = json.loads((place / "found.json").read_text(encoding="utf-8"))
    return {
        "cpu_s": found["cpu_s"],
        "wall_s": round(wall, 1),
        "steps": found["result"]["steps"],
        "tokens": found["result"]["tokens"],
        "lines": thinned(found["lines"], found["result"]["steps"]),
        "products_per_s": [round(before / 1e9, 1), round(products_per_s(1) / 1e9, 1)],
    }


@dataclass(frozen=True)
class Compared:
    """A run's CPU seconds: measured, predicted before it, and by its own clock after a tenth of its steps."""

    name: str
    measured: float
    predicted: float
    corrected: float | None

    @property
    def error(self) -> float:
        """Of the prediction, as a share of what was measured."""
        return self.predicted / self.measured - 1

    @property
    def corrected_error(self) -> float | None:
        """Of the corrected one."""
        return None if self.corrected is None else self.corrected / self.measured - 1


def report(found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Predict each run that was measured, in a home of its own; whether enough were near."""
    compared = []
    print(
        f"{'CPU seconds at 1 thread':32}{'measured':>9}{'predicted':>18}{'at a tenth':>18}", end=""
    )
    print(f"{'wall':>8}{'load':>6}{'GFLOP/s':>13}")
    for case in CASES:
        cell = found.get(f"time, run: {case.name}")
        if cell is None:
            continue
        each = Compared(case.name, cell["cpu_s"], predicted(case), _after_a_tenth(cell))
        compared.append(each)
        corrected = (
            "" if each.corrected is None else f"{each.corrected:10.0f} {each.corrected_error:+6.0%}"
        )
        print(
            f"{case.name:32}{each.measured:9.0f}{each.predicted:11.0f} {each.error:+6.0%}"
            f"{corrected:>18}{cell['wall_s']:8.0f}{cell['load']:6.1f}"
            f"{'/'.join(map(str, cell['products_per_s'])):>13}"
        )
    near = sum(abs(each.error) <= WITHIN for each in compared)
    nearer = sum(abs(each.corrected_error or 1) <= CORRECTED_WITHIN for each in compared)
    print(
        f"within {WITHIN:.0%}: {near} of {len(compared)}; after a tenth of the steps within "
        f"{CORRECTED_WITHIN:.0%}: {nearer} (at least {ENOUGH} of {len(CASES)} each)"
    )
    return near >= ENOUGH and nearer >= ENOUGH


def _after_a_tenth(cell: Mapping[str, Any]) -> float | None:
    """What was spent and, as the run said, still to be spent after a tenth of the steps."""
    due = -(-cell["steps"] // 10)
    for line in cell["lines"]:
        if line[0] >= due and len(line) > 2 and line[2] is not None:
            return float(line[1] + line[2])
    return None


def predicted(case: Case) -> float:
    """CPU seconds as a person's first estimate tells them, asked in a process of its own."""
    place = WORK / case.name.replace(",", "").replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", __name__, case.name, str(place), "--predict"]
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(answer.stdout.split()[-1])


def _predict(case: Case, place: Path) -> None:
    """In a process of its own, with a home that knows no price yet."""
    import shutil

    from studio import libraries
    from studio.devices import machine
    from studio.estimator.estimate import estimate
    from studio.settings import Home
    from studio.spec import TrainSpec
    from studio.worker.bench import Bench
    from studio.worker.rows import encoded_rows, settled

    libraries.settle()
    shutil.rmtree(place / "asked", ignore_errors=True)
    home = Home(place / "asked").prepare()
    bench = Bench(home, 0)
    spec, _ = settled(bench, TrainSpec.parse(spec_of(case, place)))
    base = bench.base(spec.model.source, None)
    rows = encoded_rows(bench, spec, base)
    found = estimate(spec, base.place, rows, machine(home.folder), home=home.folder).duration
    assert found is not None
    print(found.cpu_seconds)


def thinned(lines: list[dict[str, Any]], steps: int) -> list[list[float | None]]:
    """Of each report that is kept, the step, the CPU seconds until then, and those it said were left."""
    return [
        [line["step"], round(line["cpu_seconds"], 2), line.get("cpu_seconds_left")]
        for line in lines
        if line["step"] <= max(3, steps * _EARLY) or line["step"] % max(1, steps // _LATER) == 0
    ]


def spec_of(case: Case, place: Path) -> dict[str, Any]:
    """The spec of a case, its model and its rows lying in `place`."""
    model = case.make_model(place / "model") if not (place / "model").exists() else place / "model"
    data = place / "rows.jsonl"
    rows = rows_of(case)
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    training = {"epochs": 1, "learning_rate": 1e-4, "precision": "fp32", **case.training}
    return {
        "model": {"source": str(model), "quantization": case.quantization},
        "data": {"path": str(data)},
        "objective": case.objective,
        "method": case.method,
        "training": training,
    }


def rows_of(case: Case) -> list[dict[str, str]]:
    """Rows of words at random: a third asks, two thirds answer; half to one and a half times the mean."""
    source = random.Random(case.name)
    words = (ASSETS / "starter" / "replies.csv").read_text(encoding="utf-8").split()

    def said(share: float) -> str:
        length = max(2, round(case.words * share * source.uniform(0.5, 1.5)))
        return " ".join(source.choices(words, k=length))

    if case.objective == "classification":
        return [{"text": said(1.0), "label": LABELS[row % len(LABELS)]} for row in range(case.rows)]
    return [{"prompt": f"{row}: {said(0.33)}", "response": said(0.67)} for row in range(case.rows)]


def _train(case: Case, place: Path) -> None:
    """In a process of its own: all that the task `train` does, from the first import to the adapter."""
    import shutil

    from jobs.progress import read_metrics
    from studio import libraries
    from studio.library import Library
    from studio.models.source import resolve
    from studio.orders.freezing import freeze_data
    from studio.settings import Home
    from studio.spec import Base, TrainOrder, TrainSpec

    libraries.settle()
    shutil.rmtree(place / "home", ignore_errors=True)
    home = Home(place / "home").prepare()
    spec = TrainSpec.parse(spec_of(case, place))
    library = Library(home)
    spec = freeze_data(spec, library)
    library.close()
    found = resolve(spec.model.source, None, home)
    frozen = spec.model.model_copy(update={"revision": found.revision})
    base = Base(found.source, found.revision, str(found.folder), found.title, "apache-2.0")
    order = TrainOrder(replace(spec, model=frozen), base)
    made_ready = time.process_time()

    from jobs.context import TaskContext
    from studio.tasks.train import train

    folder = home.run(1)
    folder.mkdir(parents=True)
    result = train(TaskContext(1, order.to_json(), folder))
    lines, _ = read_metrics(folder)
    for line in lines:
        line["cpu_seconds"] -= made_ready
    spent = {"cpu_s": round(time.process_time() - made_ready, 2), "result": result, "lines": lines}
    (place / "found.json").write_text(json.dumps(spent), encoding="utf-8")


if __name__ == "__main__":
    _asked = next(case for case in CASES if case.name == sys.argv[1])
    (_predict if "--predict" in sys.argv else _train)(_asked, Path(sys.argv[2]))
