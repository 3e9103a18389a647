"""What every program of the training benchmark shares; runs in each rival's environment too.

A program is called with one JSON document: `{"model", "rows", "out", "steps", "batch_size", "rank",
"learning_rate", "threads", "checkpointing", "packing"}`; `rows` is a file of JSON lines with `ids` and
`mask`, taken in their order. It writes one of `{"steps": [{"cpu_s", "wall_s", "loss"}], "peak_bytes",
"versions"}`; a step's times run from the end of the step before, so the first has none.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

IGNORED = -100


def read_task() -> dict[str, Any]:
    """What to do, with the threads set before torch is imported."""
    task: dict[str, Any] = json.loads(sys.argv[1])
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(task["threads"])
    os.environ.update(HF_HUB_OFFLINE="1", WANDB_DISABLED="true", TOKENIZERS_PARALLELISM="false")
    return task


def read_rows(task: dict[str, Any]) -> list[dict[str, list[int]]]:
    """The rows as `input_ids`, `attention_mask` and `labels`."""
    with open(task["rows"], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        {
            "input_ids": row["ids"],
            "attention_mask": [1] * len(row["ids"]),
            "labels": [
                token if trained else IGNORED
                for token, trained in zip(row["ids"], row["mask"], strict=True)
            ],
        }
        for row in rows
    ]


class Record:
    """Takes the time at the end of every step."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.steps: list[dict[str, float | None]] = []
        self._last: tuple[float, float] | None = None

    def step_ended(self, loss: float | None) -> None:
        """A step has ended; `loss` is its mean loss a token."""
        now = time.process_time(), time.monotonic()
        cpu, wall = (None, None) if self._last is None else (
            now[0] - self._last[0], now[1] - self._last[1],
        )  # fmt: skip
        self.steps.append({"cpu_s": cpu, "wall_s": wall, "loss": loss})
        self._last = now

    def write(self, *packages: str, **more: float) -> None:
        """Write what was recorded, with the versions of the packages that did the work, and `more`."""
        document = {
            "steps": self.steps,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "versions": {name: _version(name) for name in ("torch", "transformers", *packages)},
            **more,
        }
        with open(self.task["out"], "w", encoding="utf-8") as file:
            json.dump(document, file)


def trainer_callback(record: Record) -> Any:
    """A callback of transformers' Trainer that records its steps; losses come with its log lines."""
    from transformers import TrainerCallback

    class Callback(TrainerCallback):
        """Step ends, then the log line of the same step arrives."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            record.step_ended(None)

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any
        ) -> None:
            if logs and "loss" in logs and record.steps:
                record.steps[-1]["loss"] = float(logs["loss"])

    return Callback()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
