"""Make it fit: is the plan valid and does it hold, on hard cases from 2 to 24 GB.

    python launch.py bench fit [--only PART-OF-A-NAME] [--again]

Each case is kept with its commit in docs/measured/fit.jsonl. Every plan is estimated anew, and keeps the
rows of each step. The cases named `run` are trained for real by the trainer's own task with RLIMIT_DATA at
the memory that was given: one that runs out on the way fails.
"""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import _cells
from tests.benchmarks._cells import Cell
from tests.measured import commit

GB = 10**9
SMALL = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "vocab_size": 49152,
         "num_attention_heads": 9, "num_key_value_heads": 3}  # fmt: skip
ONE = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "vocab_size": 128256,
       "num_attention_heads": 32, "num_key_value_heads": 8}  # fmt: skip
THREE = {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28, "vocab_size": 128256,
         "num_attention_heads": 24, "num_key_value_heads": 8}  # fmt: skip
EIGHT = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "vocab_size": 128256,
         "num_attention_heads": 32, "num_key_value_heads": 8}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A training that does not fit: the model's shape, the method, rows a step, length, bytes there are."""

    name: str
    shape: dict[str, int]
    method: str
    rows: int
    length: int
    memory: float


CASES = (
    Case("135M lora 32 2GB", SMALL, "lora", 32, 512, 2),
    Case("135M lora 64 2GB", SMALL, "lora", 64, 512, 2),
    Case("135M full 16 3GB", SMALL, "full", 16, 512, 3),
    Case("135M full 32 2.5GB", SMALL, "full", 32, 512, 2.5),
    Case("135M lora 7 2GB", SMALL, "lora", 7, 2048, 2),
    Case("135M qlora 48 2GB", SMALL, "qlora", 48, 512, 2),
    Case("1B lora 8 6GB", ONE, "lora", 8, 512, 6),
    Case("1B lora 8 4GB", ONE, "lora", 8, 512, 4),
    Case("1B lora 32 8GB", ONE, "lora", 32, 1024, 8),
    Case("1B full 8 24GB", ONE, "full", 8, 512, 24),
    Case("1B full 4 16GB", ONE, "full", 4, 512, 16),
    Case("1B qlora 16 5GB", ONE, "qlora", 16, 1024, 5),
    Case("3B lora 8 16GB", THREE, "lora", 8, 512, 16),
    Case("3B lora 4 8GB", THREE, "lora", 4, 512, 8),
    Case("3B qlora 8 8GB", THREE, "qlora", 8, 1024, 8),
    Case("8B lora 4 24GB", EIGHT, "lora", 4, 512, 24),
    Case("8B lora 4 12GB", EIGHT, "lora", 4, 512, 12),
    Case("8B qlora 16 16GB", EIGHT, "qlora", 16, 1024, 16),
    Case("8B full 4 24GB", EIGHT, "full", 4, 512, 24),
    Case("8B lora 1 6GB", EIGHT, "lora", 1, 512, 6),
)
# (method, rows a step, bytes): a model of random weights, wide enough to matter beside the program.
RUNS = {
    "run lora 64": ("lora", 64, 1.15),
    "run lora 32 tight": ("lora", 32, 0.88),
    "run full 32": ("full", 32, 1.1),
    "run full 64": ("full", 64, 1.2),
    "run lora 7": ("lora", 7, 0.66),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a case; 0 where every plan is valid and holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cells: dict[str, Cell] = {
            case.name: functools.partial(planned, case, folder) for case in CASES
        }
        for name, (method, rows, memory) in RUNS.items():
            limit = int(memory * GB)
            cells[name] = functools.partial(carried_out, name, method, rows, limit, folder)
        found = _cells.run("fit", cells, only=options.only, again=options.again)
    for name, cell in found.items():
        print(f"{'ok ' if cell['holds'] else 'NOT'} {name:22} {cell['words']}")
    good = [cell["holds"] for cell in found.values()]
    print(f"{sum(good)} of {len(cells)} cases hold, {len(cells) - len(good)} not seen; {commit()}")
    return 0 if all(good) and len(good) == len(cells) else 1


def planned(case: Case, folder: Path) -> dict[str, Any]:
    """Search a plan by estimates of the shape alone, and look at it again."""
    import transformers

    from studio.devices import Device, Machine
    from studio.estimator.estimate import Rows, estimate
    from studio.spec import TrainSpec
    from studio.worker.fitting import make_it_fit
    from tests.studio.estimator.configurations import make_rows

    place = folder / case.name.split()[0]
    transformers.LlamaConfig(**case.shape, max_position_embeddings=4096).save_pretrained(place)
    lengths = [case.length // 4 + row * 3 % (case.length // 4) for row in range(64)] + [case.length]
    rows = Rows(make_rows(*lengths), make_rows(32))
    memory = int(case.memory * GB)
    machine = Machine((Device("cpu:0", "cpu", memory, memory, ""),), 10**12)
    training = {"batch_size": case.rows, "max_length": case.length}
    spec = TrainSpec.parse({"method": case.method, "training": training})

    def ask(each: TrainSpec) -> dict[str, Any]:
        return estimate(each, place, rows, machine, memory_bytes=memory).to_json()

    short = sorted(lengths)[-3]
    covering = {"max_length": -(-short // 8) * 8, "cut_rows": 1, "lost_tokens": case.length - short}
    data = {"rows": len(lengths), "tokens": sum(lengths), "covering": covering}
    began = time.process_time()
    found = make_it_fit(spec, ask, data)
    spent = time.process_time() - began
    said = ", ".join(f"{each.field.split('.')[1]}={each.after}" for each in found.changes)
    if found.spec is None:
        # That nothing fits holds where the hardest settings by hand do not fit either.
        hardest = spec.to_json()
        hardest["training"] |= {
            "batch_size": 1, "gradient_accumulation": case.rows, "gradient_checkpointing": True,
            "optimizer": "adamw_8bit", "max_length": covering["max_length"],
        }  # fmt: skip
        if case.method != "full":
            hardest["model"]["quantization"] = "nf4"
        holds = not ask(TrainSpec.parse(hardest))["verdict"]["fits"]
        said = found.words
    else:
        after = found.spec.training
        holds = ask(found.spec)["verdict"]["fits"]
        holds &= after.batch_size * after.gradient_accumulation == case.rows
    return {"holds": bool(holds), "words": f"{found.tried} ways {spent:.1f} CPU s  {said}"}


def carried_out(name: str, method: str, rows: int, memory: int, folder: Path) -> dict[str, Any]:
    """Plan with the real worker, then train within the limit in a process of its own."""
    from studio.settings import Home
    from studio.spec import TrainSpec
    from studio.worker.client import Worker
    from studio.worker.fitting import make_it_fit
    from tests import tiny

    model, data = folder / "wide", folder / "rows.csv"
    if not model.exists():
        tiny.make_model(model, layers=4, hidden=512)
        tiny.write_csv(data, 96)
    asked = {"model": {"source": str(model)}, "data": {"path": str(data)}, "method": method}
    training = {"batch_size": rows, "epochs": 1, "learning_rate": 1e-4}
    spec = TrainSpec.parse({**asked, "training": training})
    worker = Worker(Home(folder / "home").prepare())
    try:
        found = make_it_fit(
            spec, lambda each: worker.estimate(each, memory_bytes=memory), worker.lengths(spec)
        )
    finally:
        worker.stop()
    if found.spec is None or found.estimate is None:
        return {"holds": False, "words": found.words}
    result = trained(found.spec.to_json(), memory, folder / f"home {name}")
    holds = result is not None and not result["memory"]["ran_out"]
    said = ", ".join(f"{each.field.split('.')[1]}={each.after}" for each in found.changes)
    peak = result["measured"]["peak_bytes"] / GB if result else float("nan")
    predicted = found.estimate["memory"]["peak_bytes"] / GB
    words = f"limit {memory / GB:.2f} GB, predicted {predicted:.2f}, resident {peak:.2f}; {said}"
    return {"holds": holds, "words": words}


def trained(spec: dict[str, Any], memory: int, home: Path) -> dict[str, Any] | None:
    """The result of the task `train` under the limit; None where it failed."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.fit", "--train", str(memory), str(home)],
        input=json.dumps(spec),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        print(answer.stderr[-600:], file=sys.stderr)
        return None
    result: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return result


def train_within(memory: int, home: Path) -> None:
    """In a process of its own: the limit first, then all that a training does."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    from dataclasses import replace

    from studio import libraries
    from studio.settings import Home
    from studio.spec import TrainSpec
    from studio.tasks.train import train
    from tests.studio.runs import context, make_order

    libraries.settle()
    spec = TrainSpec.parse(json.load(sys.stdin))
    place = Home(home).prepare()
    order = make_order(place, Path(spec.model.source), Path(str(spec.data.path)))
    frozen = replace(
        spec, model=spec.model.model_copy(update={"revision": order.spec.model.revision})
    )
    frozen = replace(frozen, data=order.spec.data)
    print(json.dumps(train(context(place, 1, replace(order, spec=frozen).to_json()))))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        train_within(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
