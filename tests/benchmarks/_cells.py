"""A benchmark's results, each kept with its commit and the machine's load: a run that was cut goes on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tests.measured import Measured

Cell = Callable[[], dict[str, Any]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--only` and `--again`, as every benchmark with cells has them."""
    parser.add_argument("--only", default="", help="run only cells whose name holds this")
    parser.add_argument("--again", action="store_true", help="run cells anew that are there")


def run(
    benchmark: str, cells: Mapping[str, Cell], *, only: str = "", again: bool = False
) -> dict[str, dict[str, Any]]:
    """Run the cells that are wanted and not there yet; gives every cell that is there, by name."""
    kept = Measured(benchmark)
    for name, measure in cells.items():
        if only in name and (again or name not in kept):
            print(f"running {name} …", file=sys.stderr, flush=True)
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
            kept.keep(name, {**measure(), "load": load})
    return {name: found for name in cells if (found := kept.get(name)) is not None}
