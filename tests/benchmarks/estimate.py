"""The live estimate beside reality: counts, memory of small and whole trainings, and how soon it answers.

`bench estimate` runs all parts; `bench estimate counts`, `memory`, `latency` or `time` one. `--seed` draws
other trainings. Each cell is kept in docs/measured/estimate.jsonl with its commit; `--only` chooses cells,
`--again` runs anew those that are there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from tests.benchmarks import (
    _cells,
    _estimating_counts,
    _estimating_latency,
    _estimating_memory,
    _estimating_time,
)
from tests.benchmarks._cells import Cell
from tests.measured import commit


@dataclass(frozen=True)
class Part:
    """Cells to run, and how what they found is printed; the report says whether the bounds were kept."""

    cells: dict[str, Cell]
    report: Callable[[Mapping[str, Mapping[str, Any]]], bool]


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables; 0 where every bound was kept."""
    names = ("counts", "memory", "latency", "time")
    parser = argparse.ArgumentParser(prog="bench estimate")
    parser.add_argument("part", nargs="?", default="all", choices=("all", *names))
    parser.add_argument("--seed", type=int, default=1, help="of the small trainings that are drawn")
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    parts = {
        "counts": Part(_estimating_counts.cells(), _estimating_counts.report),
        "memory": Part(
            _estimating_memory.cells(options.seed),
            lambda found: _estimating_memory.report(found, options.seed),
        ),
        "latency": Part(_estimating_latency.cells(), _estimating_latency.report),
        "time": Part(_estimating_time.cells(), _estimating_time.report),
    }
    kept = []
    for name, part in parts.items():
        if options.part in (name, "all"):
            found = _cells.run("estimate", part.cells, only=options.only, again=options.again)
            kept.append(part.report(found))
    print(
        f"\ncommit {commit()}, torch {version('torch')}, transformers {version('transformers')}, "
        f"peft {version('peft')}, gradio {version('gradio')}, Python {sys.version.split()[0]}"
    )
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
