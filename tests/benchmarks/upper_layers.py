"""Training the upper half only: with the lower half computed once, anew each time, and all layers trained.

    python launch.py bench upper_layers [--steps N] [--rounds N] [--only PATTERN] [--again]

Three passes over the same rows on the starter model, CPU seconds at one thread, in turns. Every cell
(way, round) is kept in `docs/measured/upper_layers.jsonl` with the commit it was made at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tests.benchmarks import _cells
from tests.benchmarks.training import (
    BATCH,
    PLACE,
    PROGRAMS,
    RANK,
    RATE,
    model_folder,
    write_rows,
)  # fmt: skip

STEPS, ROUNDS, EPOCHS, HALF = 10, 2, 3, 15
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
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    wanted = {
        f"{way}, round {number}, {options.steps} steps": (way, number)
        for number in range(options.rounds)
        for way in OPTIONS
    }
    kept = _cells.run(
        "upper_layers",
        {name: partial(measured, options.steps, way) for name, (way, _) in wanted.items()},
        only=options.only,
        again=options.again,
    )
    return report({wanted[name]: cell for name, cell in kept.items()})


def measured(steps: int, way: str) -> dict[str, Any]:
    """One way of training as it is kept."""
    return {"steps": run(steps, OPTIONS[way])}


def report(kept: Mapping[tuple[str, int], Mapping[str, Any]]) -> int:
    """Print the cells, and the ratios of the rounds that are whole; 0 where no limit is broken."""
    seconds = {
        place: sum(step["cpu_s"] for step in cell["steps"][1:]) for place, cell in kept.items()
    }
    for (way, number), cell in kept.items():
        print(
            f"{way:26} round {number}{seconds[way, number]:8.1f} CPU s in "
            f"{len(cell['steps']) - 1} steps, load {cell['load']:.1f}, commit {cell['commit']}"
        )
    whole = sorted({at for _, at in kept if all((way, at) in kept for way in OPTIONS)})
    if not whole:
        return 1
    # The least of each: what other programs on the machine add to it is never less than nothing.
    least = {way: min(seconds[way, number] for number in whole) for way in OPTIONS}
    ratios = {way: least[ONCE] / least[way] for way in LIMITS}
    for way, ratio in ratios.items():
        print(f"{ONCE} / {way}: {ratio:.2f} (limit {LIMITS[way]}; least of {len(whole)} rounds)")
    apart = max(
        abs(a["loss"] - b["loss"]) / b["loss"]
        for number in whole
        for a, b in zip(kept[ONCE, number]["steps"], kept[ANEW, number]["steps"], strict=True)
    )
    print(f"losses with the lower half once and anew: at most {apart:.1e} apart")
    return 0 if apart <= 1e-6 and all(ratios[way] <= LIMITS[way] for way in LIMITS) else 1


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
