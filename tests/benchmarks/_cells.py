"""A benchmark's results, each kept with its commit and the machine's load: a run that was cut goes on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.measured import Measured

Cell = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Part:
    """Cells to run, and how what they found is printed; the report says whether the bounds were kept."""

    cells: dict[str, Cell]
    report: Callable[[Mapping[str, Mapping[str, Any]]], bool]


def add_parts(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """The one part to run, of a benchmark that has several; all of them where none is named."""
    parser.add_argument("part", nargs="?", default="all", choices=("all", *names))


def run_parts(benchmark: str, parts: Mapping[str, Part], options: argparse.Namespace) -> bool:
    """Run and print what `options` ask for; whether every bound was kept."""
    reports = [
        part.report(run(benchmark, part.cells, only=options.only, again=options.again))
        for name, part in parts.items()
        if options.part in (name, "all")
    ]
    return all(reports)


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
