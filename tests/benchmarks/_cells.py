"""A benchmark's results, one file a cell with its commit: a run that was cut goes on where it was."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jobs.durable import write_json
from tests.measured import commit

PLACE = Path(__file__).parents[2] / ".benchmarks"
Cell = Callable[[], dict[str, Any]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--only` and `--again`, as every benchmark with cells has them."""
    parser.add_argument("--only", default="", help="run only cells whose name holds this")
    parser.add_argument("--again", action="store_true", help="run cells anew that are there")


def run(
    benchmark: str, cells: Mapping[str, Cell], *, only: str = "", again: bool = False
) -> dict[str, dict[str, Any]]:
    """Run the cells that are wanted and not there yet; gives every cell that is there, by name."""
    folder = PLACE / benchmark
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, measure in cells.items():
        file = folder / f"{name}.json"
        if only in name and (again or not file.exists()):
            print(f"running {name} …", file=sys.stderr, flush=True)
            load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
            write_json(file, {**measure(), "commit": commit(), "load": load})
        if file.exists():
            found[name] = json.loads(file.read_text(encoding="utf-8"))
    return found
