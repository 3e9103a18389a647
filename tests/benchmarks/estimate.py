"""The live estimate beside reality: counts, memory of small and whole trainings, and how soon it answers.

`bench estimate` runs all parts; `bench estimate counts`, `memory`, `latency` or `time` one. `--seed` draws
other trainings. Each cell is kept in docs/measured/estimate.jsonl with its commit; `--only` chooses cells,
`--again` runs anew those that are there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from tests.benchmarks import (
    _cells,
    _estimating_counts,
    _estimating_latency,
    _estimating_memory,
    _estimating_time,
)
from tests.benchmarks._cells import Part
from tests.measured import commit


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables; 0 where every bound was kept."""
    names = ("counts", "memory", "latency", "time")
    parser = argparse.ArgumentParser(prog="bench estimate")
    _cells.add_parts(parser, names)
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
    are_kept = _cells.run_parts("estimate", parts, options)
    print(
        f"\ncommit {commit()}, torch {version('torch')}, transformers {version('transformers')}, "
        f"peft {version('peft')}, gradio {version('gradio')}, Python {sys.version.split()[0]}"
    )
    return 0 if are_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
