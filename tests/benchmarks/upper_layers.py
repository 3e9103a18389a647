"""Training the upper half only: with the lower half computed once, anew each time, and all layers trained.

    python launch.py bench upper_layers [--steps N]

Three passes over the same rows on the starter model, CPU seconds at one thread, in turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tests.benchmarks.training import (
    BATCH,
    PLACE,
    PROGRAMS,
    RANK,
    RATE,
    model_folder,
    write_rows,
)  # fmt: skip
from tests.measured import commit

STEPS, EPOCHS, HALF = 10, 3, 15
ALL, ANEW, ONCE = "all layers train", "upper half, lower anew", "upper half, lower once"
OPTIONS: dict[str, dict[str, Any]] = {
    ALL: {},
    ANEW: {"layers": {"last": HALF}},
    ONCE: {"layers": {"last": HALF}, "keeps_states": True},
}
# The most that the lower half computed once may cost, in each of the others.
LIMITS = {ALL: 0.70, ANEW: 0.87}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 where both limits are kept and the losses are the same to 1e-6."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of one pass")
    steps = parser.parse_args(arguments).steps
    runs = {name: run(steps, options) for name, options in OPTIONS.items()}
    seconds = {name: sum(step["cpu_s"] for step in found[1:]) for name, found in runs.items()}
    for name, spent in seconds.items():
        print(f"{name:26}{spent:8.1f} CPU s in {len(runs[name]) - 1} steps")
    ratios = {name: seconds[ONCE] / seconds[name] for name in LIMITS}
    for name, ratio in ratios.items():
        print(f"{ONCE} / {name}: {ratio:.2f} (limit {LIMITS[name]})")
    pairs = zip(runs[ONCE], runs[ANEW], strict=True)
    apart = max(abs(a["loss"] - b["loss"]) / b["loss"] for a, b in pairs)
    print(f"losses with the lower half once and anew: at most {apart:.1e} apart; commit {commit()}")
    return 0 if apart <= 1e-6 and all(ratios[name] <= LIMITS[name] for name in LIMITS) else 1


def run(steps: int, options: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of one run in a process of its own."""
    work = PLACE / "upper_layers"
    work.mkdir(parents=True, exist_ok=True)
    task = {
        "model": str(model_folder()),
        "rows": str(write_rows(work / f"rows-{steps}.jsonl", steps)),
        "out": str(work / "out.json"),
        "steps": steps,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "rank": RANK,
        "learning_rate": RATE,
        "threads": 1,
        "checkpointing": False,
        "packing": False,
    }
    command = [sys.executable, str(PROGRAMS / "ours.py"), json.dumps(task | options)]
    subprocess.run(command, cwd=work, check=True, stdout=sys.stderr)
    with open(work / "out.json", encoding="utf-8") as file:
        found: list[dict[str, Any]] = json.load(file)["steps"]
    return found


if __name__ == "__main__":
    sys.exit(main())
