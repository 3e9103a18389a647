"""The checks measured: near duplicates against brute force, tokens against encoding, 500 labelled lines.

`python launch.py bench checks [ROWS]` (1,000,000 by default; 20,000 for a quick look). Each part runs in
a process of its own, one after the other, on a made-up file of about 500 bytes a row, of which three in
ten are another row with some words changed. The cheap checks are measured by `bench import`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import _cells
from tests.studio.checks.test_minhash import edited_texts, near, near_by_brute_force
from tests.studio.ui.serving import ROOT

ROWS = 1_000_000
BRUTE_FORCE_ROWS = 5_000
TOKEN_ROWS = 10_000


def main(arguments: Sequence[str] = ()) -> int:
    """Print what was measured, or as a child do one part and print what it took; 1 beyond a limit."""
    if arguments[:1] == ["--part"]:
        print(json.dumps(_measured(*arguments[1:])))
        return 0
    parser = argparse.ArgumentParser(prog="bench checks", description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=int, default=ROWS)
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    cells: dict[str, _cells.Cell] = {
        f"near duplicates, {options.rows:,} rows": partial(_near_cell, options.rows),
        f"tokens, {TOKEN_ROWS:,} rows": _tokens_cell,
        "brute force": _brute_force_cell,
        "labelled": _labelled_cell,
    }
    kept = _cells.run("checks", cells, only=options.only, again=options.again)
    is_within = [found["is_within"] for found in kept.values()]
    for name, found in kept.items():
        print(f"{name}: {found['words']} (commit {found['commit']}, load {found['load']:.1f})")
    for line in kept.get("labelled", {}).get("kinds", ()):
        print(f"  {line}")
    names = ("numpy", "phonenumbers", "ftfy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"{versions}, Python {sys.version.split()[0]}")
    return 0 if all(is_within) else 1


def _near_cell(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        write_rows(file, rows)
        size = file.stat().st_size
        taken = _part("near", str(file))
    words = (
        f"{taken['words']} in {size / 1e6:,.0f} MB of CSV; {taken['wall_s'] / 60:.1f} minutes by the clock, "
        f"{taken['cpu_s'] / 60:.1f} of CPU (limit 10), {taken['peak_bytes'] / 1e9:.2f} GB (limit 4)"
    )
    # Judged by CPU time: the clock also counts what others did meanwhile.
    is_within = taken["cpu_s"] <= 600 and taken["peak_bytes"] <= 4e9
    return {"taken": taken, "words": words, "is_within": is_within}


def _tokens_cell() -> dict[str, Any]:
    """Encoding with and without the checks, three times in turn; of each ratio the middle one is told.

    Judged by CPU time: the clock also counts what others did meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        write_rows(file, TOKEN_ROWS)
        taken = [{part: _part(part, str(file)) for part in ("encode", "tokens")} for _ in range(3)]
    wall, cpu = (
        median(each["tokens"][key] / each["encode"][key] for each in taken)
        for key in ("wall_s", "cpu_s")
    )
    words = (
        f"with the checks {wall:.2f} x encoding by the clock, {cpu:.2f} x in CPU time (limit 1.3)"
    )
    return {"taken": taken, "words": words, "is_within": cpu <= 1.3}


def _brute_force_cell() -> dict[str, Any]:
    texts = edited_texts(BRUTE_FORCE_ROWS, seed=11)
    truth, found = near_by_brute_force(texts), set(near(texts, 1_000))
    recall, precision = len(found & truth) / len(truth), len(found & truth) / len(found)
    words = (
        f"near duplicates of {BRUTE_FORCE_ROWS:,} texts ({len(truth)} near an earlier one): "
        f"recall {recall:.3f} (limit 0.95), precision {precision:.3f} (limit 0.98)"
    )
    is_within = recall >= 0.95 and precision >= 0.98
    return {"recall": recall, "precision": precision, "words": words, "is_within": is_within}


def _labelled_cell() -> dict[str, Any]:
    from tests.studio.checks.detectors.test_labelled import DETECTORS, LEAST, score

    kinds, is_within = [], True
    for kind in DETECTORS:
        reached = score(kind)
        least = LEAST.get(kind, 0.0)
        is_within = is_within and min(reached.precision, reached.recall) >= least
        limit = f"limit {least:g}" if least else f"missed {len(reached.missed)}: {reached.missed}"
        kinds.append(
            f"{kind:10} precision {reached.precision:.3f}, recall {reached.recall:.3f} ({limit})"
        )
    words = "personal data and secrets in 500 lines in 5 languages"
    return {"words": words, "kinds": kinds, "is_within": is_within}


def write_rows(file: Path, count: int) -> None:
    """Questions and answers of about 500 bytes together."""
    rng = random.Random(1)
    words = [
        "".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(2, 9))) for _ in range(9_000)
    ]
    recent: list[list[str]] = []
    with open(file, "w", encoding="utf-8") as out:
        out.write("question,answer\n")
        for number in range(count):
            if recent and rng.random() < 0.3:
                text = list(rng.choice(recent))
                for _ in range(rng.choice((1, 2, 4, 8))):
                    text[rng.randrange(len(text))] = rng.choice(words)
            else:
                text = rng.choices(words, k=rng.randint(40, 110))
                recent.append(text)
                del recent[:-2_000]
            half = len(text) // 3
            out.write(f"{' '.join(text[:half])}? {number},{' '.join(text[half:])}.\n")


Act = Callable[[], str]


def _near(file: Path, home: Path) -> Act:
    import csv

    from studio.checks.batch import batches
    from studio.checks.check import Circumstances
    from studio.checks.near_duplicates import NearDuplicates

    roles = {"prompt": "question", "response": "answer"}

    def act() -> str:
        finder = NearDuplicates(Circumstances(roles, folder=home))
        with open(file, encoding="utf-8", newline="") as opened:
            for batch in batches(csv.DictReader(opened), roles, "chat"):
                finder.look(batch)
        found = finder.found()
        return f"{len(found.rows) if found else 0:,} rows found"

    return act


def _encoded(with_checks: bool) -> Callable[[Path, Path], Act]:
    def prepare(file: Path, home: Path) -> Act:
        import csv
        from itertools import islice

        from studio.checks.batch import Batch, Tokens
        from studio.checks.check import Circumstances
        from studio.checks.survey import survey
        from studio.objectives import OBJECTIVES
        from tests import tiny

        tokenizer = tiny.make_tokenizer()
        objective = OBJECTIVES["chat"]
        roles = {"prompt": "question", "response": "answer"}
        with open(file, encoding="utf-8", newline="") as opened:
            rows = list(islice(csv.DictReader(opened), TOKEN_ROWS))

        def counted(batch: Batch) -> list[Tokens]:
            done = [
                objective.encode(each, tokenizer, objective.settings()) for each in batch.examples
            ]
            return [Tokens(len(e.ids), sum(e.mask), sum(e.mask[:512])) for e in done]

        def act() -> str:
            if with_checks:
                survey(rows, Circumstances(roles, longest=512), costs=("tokens",), encode=counted)
            else:
                counted(Batch(0, rows, roles, "chat"))
            return ""

        return act

    return prepare


PARTS: dict[str, Callable[[Path, Path], Act]] = {
    "near": _near,
    "encode": _encoded(False),
    "tokens": _encoded(True),
}


def _part(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.checks", "--part", *arguments]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _measured(part: str, file: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        # Libraries and rows are there before the clock runs: they would hide what the checks cost.
        act = PARTS[part](Path(file), Path(home))
        wall, cpu = time.monotonic(), time.process_time()
        words = act()
        return {
            "wall_s": time.monotonic() - wall,
            "cpu_s": time.process_time() - cpu,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "words": words,
        }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
