"""PEFT's own comparison of methods, as figures: what advice is grounded in, and what the docs show."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass

from studio.settings import ASSETS

# Two runs nearer to each other than this cannot be told apart: two standard errors of a difference.
NOISE_POINTS = 4.0


@dataclass(frozen=True)
class Run:
    """One run: accuracy and share of trained parameters in percent, memory in GB, the file in MB."""

    name: str
    accuracy: float
    trained: float
    memory_gb: float
    seconds: float
    file_mb: float
    forgetting: float
    rate: float


@functools.cache
def runs() -> dict[str, Run]:
    """All runs by name, the best first; `assets/peft-benchmark.csv` says where they come from."""
    lines = (ASSETS / "peft-benchmark.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    found = [
        Run(
            name=row["run"],
            accuracy=100 * float(row["test_acc"]),
            trained=float(row["pct"]),
            memory_gb=float(row["mem_max_gb"]),
            seconds=float(row["train_s"]),
            file_mb=float(row["file_mb"]),
            forgetting=float(row["forgetting"]),
            rate=float(row["lr"]),
        )
        for row in rows
    ]
    return {run.name: run for run in sorted(found, key=lambda run: -run.accuracy)}


# The benchmark's name of a method where it is not ours.
_NAMES = {
    "full": "full-finetuning",
    "llama_adapter": "adaptionprompt",
    "prefix_tuning": "prefixtuning",
    "p_tuning": "ptuning",
}


def best(method: str) -> Run | None:
    """The best run of a method; None where the benchmark has none."""
    wanted = f"{_NAMES.get(method, method)}:"
    return next((run for name, run in runs().items() if name.startswith(wanted)), None)
