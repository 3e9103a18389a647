"""How long a million rows take to import and check, against a cold `datasets.load_dataset('csv')`."""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks import _cells

ROWS = 1_000_000
CHARACTERS = 500
TITLES = {
    "peer": "datasets.load_dataset('csv')",
    "import": "import",
    "checked": "import, cheap checks",
}
RATIO_LIMIT = 6.0
MEMORY_LIMIT_BYTES = 1_500_000_000

# Each in a process of its own: the peak of memory is the process's, counted by the system.
MEASURED = """
import json, resource, sys, time
{imports}
began = time.process_time()
{act}
print(json.dumps({{
    "warm_cpu_seconds": time.process_time() - began,
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "rows": rows,
}}))
"""
PEER = MEASURED.format(
    imports="import datasets; datasets.disable_progress_bars()",
    act="rows = len(datasets.load_dataset('csv', data_files=sys.argv[1], cache_dir=sys.argv[2])['train'])",
)
OPEN = """
from pathlib import Path
from studio.library import Library
from studio.settings import Home
from studio.checks.looking import look_through
from studio.data.columns import recognise
library = Library(Home(Path(sys.argv[2])).prepare())
"""
IMPORT = MEASURED.format(
    imports=OPEN, act="rows = len(library.import_file(Path(sys.argv[1])).table.rows)"
)
CHECKED = MEASURED.format(
    imports=OPEN,
    act="""
table = library.import_file(Path(sys.argv[1])).table
mapping = recognise(table)
report = look_through(table, mapping, held_out=0.1, folder=library.home.tmp, costs=("cheap",))
rows = report.rows
""",
)


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table; 0 where import with the cheap checks stays within both limits."""
    parser = argparse.ArgumentParser(prog="bench import", description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=ROWS)
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    cells = {f"{options.rows:,} rows": partial(compared, options.rows)}
    kept = _cells.run("import", cells, only=options.only, again=options.again)
    return max((tell(name, found) for name, found in kept.items()), default=0)


def compared(count: int) -> dict[str, Any]:
    """What a cold load_dataset, an import, and an import with the cheap checks need of one file."""
    acts = {"peer": PEER, "import": IMPORT, "checked": CHECKED}
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "rows.csv", count)
        size = path.stat().st_size
        found = {name: measured(code, path, Path(folder) / name) for name, code in acts.items()}
    assert {each["rows"] for each in found.values()} == {count}
    versions = {name: version(name) for name in ("datasets", "pyarrow")}
    return {"rows": count, "bytes": size, **found, "versions": versions, "cores": os.cpu_count()}


def tell(name: str, found: dict[str, Any]) -> int:
    """Print one cell's table; 1 where a limit is passed."""
    peer, ours = found["peer"], found["checked"]
    print(f"{name}, {found['bytes'] / 1e6:,.0f} MB")
    kinds = {"seconds": "wall", "cpu_seconds": "CPU", "warm_cpu_seconds": "CPU, warm"}
    heads = "".join(f"{title:>11}{'ratio':>7}" for title in kinds.values())
    print(f"{'seconds':30}{heads}{'peak':>10}")
    for act, title in TITLES.items():
        each = found[act]
        cells = "".join(f"{each[kind]:11.1f}{each[kind] / peer[kind]:7.2f}" for kind in kinds)
        print(f"{title:30}{cells}{each['peak_bytes'] / 1e6:7,.0f} MB")
    print("wall and CPU: a fresh process from start to end; warm: once its libraries are there")
    ratio = max(ours[kind] / peer[kind] for kind in ("seconds", "cpu_seconds"))
    print(
        f"limits: {RATIO_LIMIT:.0f} times cold, by wall and by CPU, {MEMORY_LIMIT_BYTES / 1e6:,.0f} MB; "
        f"{found['cores']} cores, load {found['load']:.1f}"
    )
    versions = ", ".join(f"{library} {number}" for library, number in found["versions"].items())
    print(f"commit {found['commit']}, {versions}")
    return 0 if ratio <= RATIO_LIMIT and ours["peak_bytes"] <= MEMORY_LIMIT_BYTES else 1


def write(path: Path, count: int) -> Path:
    """Questions and answers of made-up words, some with line breaks and quotes; the seed is fixed."""
    choose = random.Random(6)
    words = ["".join(choose.choices("abcdefghijklmnoprstuvwäöüé", k=k)) for k in range(2, 10)] * 60
    choose.shuffle(words)
    sentences = [" ".join(choose.choices(words, k=12)).capitalize() for _ in range(4_000)]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "question", "answer"])
        for number in range(count):
            question = f"{choose.choice(sentences)}, {number}?"
            answer = ". ".join(choose.choices(sentences, k=CHARACTERS // 90))
            if number % 50 == 0:
                answer = f'He said "{answer}".\nThen left.'
            writer.writerow([number, question, answer])
    return path


def measured(code: str, path: Path, place: Path) -> dict[str, float]:
    """What a process of its own needed."""
    place.mkdir()
    command = [sys.executable, "-c", code, str(path), str(place)]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found | {"seconds": seconds, "cpu_seconds": cpu_seconds}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
