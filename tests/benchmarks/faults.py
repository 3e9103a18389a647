"""The long fault tests, one cell each: what was done to the queue, how often, and that it held.

Each test of `tests/faults` that is marked long is run in a process of its own, and what it counted is
kept with its commit; a run that was cut goes on where it was. `--only` chooses, `--again` runs anew.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import _cells
from tests.benchmarks._cells import Cell
from tests.measured import commit

ROOT = Path(__file__).parents[2]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-m", "long", "-o", "junit_family=xunit1")


def main(arguments: Sequence[str] = ()) -> int:
    """Print what is there; 0 where every test that was run passed."""
    parser = argparse.ArgumentParser(prog="bench faults")
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    tests = {_name(test): test for test in long_tests()}
    cells = {name: _cell(test) for name, test in tests.items()}
    found = _cells.run("faults", cells, only=options.only, again=options.again)
    for name in cells:
        row = found.get(name)
        if row is None:
            print(f"not run  {name}")
            continue
        counted = ", ".join(f"{value} {what}" for what, value in row["counted"].items())
        print(f"{row['outcome']:8} {name}  {row['seconds']:.0f} s  {counted}  [{row['commit']}]")
    print(f"\ncommit {commit()}, Python {sys.version.split()[0]}")
    return 0 if all(row["outcome"] == "passed" for row in found.values()) else 1


def long_tests() -> list[str]:
    """The long tests of `tests/faults` as pytest names them."""
    answer = subprocess.run(
        [*PYTEST, "--collect-only", "tests/faults"], cwd=ROOT, capture_output=True, text=True
    )
    return [line for line in answer.stdout.splitlines() if "::" in line]


def _name(test: str) -> str:
    """The test without its path, fit for a file's name."""
    return re.sub(r"[^\w\[\]-]+", " ", test.partition("::")[2].removeprefix("test_"))


def _cell(test: str) -> Cell:
    def measure() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            subprocess.run([*PYTEST, f"--junitxml={report}", test], cwd=ROOT, stdout=sys.stderr)
            return _read(report)

    return measure


def _read(report: Path) -> dict[str, Any]:
    case = ElementTree.parse(report).getroot().find(".//testcase")
    assert case is not None
    problems = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return {
        "outcome": problems[0] if problems else "passed",
        "seconds": float(case.get("time", 0.0)),
        "counted": {each.get("name"): each.get("value") for each in case.iter("property")},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
