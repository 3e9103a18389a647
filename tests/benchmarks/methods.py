"""Every method with its own defaults on the starter model and data: loss, score, size and cost.

    python launch.py bench methods [--only PATTERN] [--again]

Each is the program's own run, on the processor, in a process of its own with one thread: a spec that names
model, data and method and leaves all else at its default (three epochs; the rate is the method's own), the
task that trains it, and the held-out questions answered by what was trained, each right or wrong by the
house form of the starter data. The base is asked the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from studio import libraries
from studio.settings import ASSETS, Home
from studio.spec import TrainOrder
from tests.benchmarks import _cells
from tests.measured import ROOT, commit
from tests.taught import BENCHMARK, FACTS, LEADING, VARIANTS, Taught, base_name, taught

# The demo's own share: 20 of the 180 rows.
HELD_OUT = 0.11
MAX_NEW_TOKENS = 64  # as the task `answers`
BASES = {base_name("none"): {"name": "lora"}, base_name("nf4"): {"name": "qlora"}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a method; 0 where all that was measured reaches what it must."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    names = [*BASES, *LEADING, *(name for name in VARIANTS if name not in LEADING)]
    cells = {name: partial(in_a_process, name) for name in names}
    _cells.run(BENCHMARK, cells, only=options.only, again=options.again)
    found = taught()
    for method in sorted(found.values(), key=lambda each: each.loss):
        print(words(method))
    missed = [name for name, method in found.items() if faults(method)]
    print(f"{len(found)} of {len(VARIANTS)} measured, {len(missed)} fall short; commit {commit()}")
    return 1 if missed else 0


def faults(method: Taught) -> list[str]:
    """What a method does not reach of what it must."""
    missed = [] if method.learned else ["its held-out loss is not below the base's"]
    if method.name in LEADING and not method.rose:
        missed.append("its score is not above the base's beyond chance")
    return missed


def words(method: Taught) -> str:
    """A method on one line."""
    low, high = method.interval
    line = (
        f"{method.name:18} loss {method.base.loss:.3f} -> {method.loss:.3f}  "
        f"right {method.base.score:4.0%} -> {method.score:4.0%} ({low:+.2f} to {high:+.2f})  "
        f"{method.trainable:>11,} trained at {method.learning_rate:g}  {method.peak_bytes / 1e9:.2f} GB  "
        f"{method.cpu_seconds:5.0f} CPU s  {method.file_bytes / 1e6:8.2f} MB"
    )
    return line + "".join(f"  NOT: {fault}" for fault in faults(method))


def in_a_process(name: str) -> dict[str, Any]:
    """The cell `name`, measured by a process that ends with it."""
    command = [sys.executable, "-m", "tests.benchmarks.methods", "--cell", name]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "cell.json"
        one_thread = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command.append(str(out))
        subprocess.run(command, cwd=ROOT, env=one_thread, check=True, stdout=sys.stderr)
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return found


def measure(name: str) -> dict[str, Any]:
    """One cell: a method trained and asked, or a base asked."""
    libraries.settle()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).prepare()
        return _of_base(home, BASES[name]) if name in BASES else _of(home, VARIANTS[name])


def _of(home: Home, method: dict[str, Any]) -> dict[str, Any]:
    order, result, seconds = _train(home, method)
    return {
        "loss": result["held_out"]["loss_after"],
        **_answered(home, order, tuned=True),
        "quantization": order.spec.model.quantization,
        "learning_rate": order.spec.training.learning_rate,
        "epochs": order.spec.training.epochs,
        "steps": result["steps"],
        "tokens": result["tokens"],
        "trainable": result["parameters"]["trainable"],
        "peak_bytes": result["measured"]["peak_bytes"],
        "cpu_seconds": round(seconds, 1),
        "file_bytes": _file_bytes(home),
    }


def _of_base(home: Home, method: dict[str, Any]) -> dict[str, Any]:
    """What the program says of a base: measured before the first step, asked with the adapter off."""
    order, result, _ = _train(home, method, max_steps=1)
    return {"loss": result["held_out"]["loss_before"], **_answered(home, order, tuned=False)}


def _train(
    home: Home, method: dict[str, Any], **training: Any
) -> tuple[TrainOrder, dict[str, Any], float]:
    """The order, the task's result, and the CPU seconds it took."""
    from studio.tasks.train import train
    from tests.benchmarks.training import model_folder
    from tests.studio.runs import context, ordered

    order = ordered(
        home,
        {
            "model": {"source": str(model_folder())},
            "data": {"path": str(ASSETS / "starter" / "replies.csv"), "held_out": HELD_OUT},
            "method": method,
            "training": {"devices": "cpu", **training},
        },
    )
    began = time.process_time()
    result = train(context(home, 1, order.to_json()))
    return order, result, time.process_time() - began


def _answered(home: Home, order: TrainOrder, *, tuned: bool) -> dict[str, Any]:
    """`right`: one digit a held-out row, 1 where it was answered rightly; `facts`: of how many answers each
    part of the form is right."""
    from studio.evaluation.house_form import expected_answers, read_note, right
    from studio.inference.opened import open_run
    from studio.inference.replies import given, replies
    from studio.library import Library
    from studio.training.kept import kept_split

    spec, opened = order.spec, open_run(home.run(1), device="cpu")
    library = Library(home)
    held_out = kept_split(library, spec.data, spec.objective.name).held_out
    library.close()
    asked = [given(spec.objective, example) for example in held_out]
    ask = partial(replies, spec.objective, max_new_tokens=MAX_NEW_TOKENS)
    if tuned:
        said = ask(opened.model, opened.tokenizer, asked)
    else:
        with opened.base() as base:
            said = ask(base, opened.tokenizer, asked)
    pairs = [
        (example.question.strip(), reply.text)
        for example, reply in zip(held_out, said, strict=True)
    ]
    notes = [(read_note(expected_answers()[asked]), read_note(answer)) for asked, answer in pairs]
    return {
        "right": "".join(str(int(right(asked, answer))) for asked, answer in pairs),
        "facts": {
            fact: sum(getattr(note, fact, "") == getattr(wanted, fact) for wanted, note in notes)
            for fact in FACTS
        },
    }


def _file_bytes(home: Home) -> int:
    from studio.inference.opened import trained_folder

    return sum(file.stat().st_size for file in trained_folder(home.run(1)).glob("*.safetensors"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cell"]:
        found = measure(sys.argv[2])
        Path(sys.argv[3]).write_text(json.dumps(found), encoding="utf-8")
    else:
        sys.exit(main())
