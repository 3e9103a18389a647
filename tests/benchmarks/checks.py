"""The checks measured: near duplicates against brute force, tokens against encoding, 500 labelled lines.

`python launch.py bench checks [ROWS]` (1,000,000 by default; 20,000 for a quick look). Each part runs in
a process of its own, one after the other, on the same made-up file of about 500 bytes a row, of which
three in ten are another row with some words changed. The cheap checks are measured by `bench import`.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.measured import commit
from tests.studio.checks.test_minhash import edited_texts, near, near_by_brute_force
from tests.studio.ui.serving import ROOT

ROWS = 1_000_000
BRUTE_FORCE_ROWS = 5_000
TOKEN_ROWS = 3_000


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table, or as a child do one part and print what it took."""
    if arguments[:1] == ["--part"]:
        print(json.dumps(_measured(*arguments[1:])))
        return 0
    rows = int(arguments[0]) if arguments else ROWS
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        write_rows(file, rows)
        print(
            f"{rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB of CSV; each part in its own process"
        )
        print(f"{'':44}{'wall':>9}{'CPU':>9}{'peak':>11}")
        taken = {}
        for part, title in TITLES.items():
            found = _part(part, str(file), str(rows))
            taken[part] = found
            print(
                f"{title:44}{found['wall_s']:8.1f}s{found['cpu_s']:8.1f}s"
                f"{found['peak_bytes'] / 1e9:8.2f} GB  {found['words']}"
            )
    _print_ratios(taken)
    _print_near()
    _print_labelled()
    names = ("numpy", "phonenumbers", "ftfy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"commit {commit()}, {versions}, Python {sys.version.split()[0]}")
    return 0


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


TITLES = {
    "near": "near duplicates",
    "encode": f"encoding {TOKEN_ROWS:,} rows alone",
    "tokens": f"encoding {TOKEN_ROWS:,} rows and the checks of tokens",
}


def _near(file: Path, home: Path) -> str:
    import csv

    from studio.checks.batch import batches
    from studio.checks.check import Circumstances
    from studio.checks.near_duplicates import NearDuplicates

    roles = {"prompt": "question", "response": "answer"}
    finder = NearDuplicates(Circumstances(roles, folder=home))
    with open(file, encoding="utf-8", newline="") as opened:
        for batch in batches(csv.DictReader(opened), roles, "chat"):
            finder.look(batch)
    found = finder.found()
    return f"{len(found.rows) if found else 0:,} rows"


def _encoded(with_checks: bool) -> Callable[[Path, Path], str]:
    def encode(file: Path, home: Path) -> str:
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

        if with_checks:
            survey(rows, Circumstances(roles, longest=512), costs=("tokens",), encode=counted)
        else:
            counted(Batch(0, rows, roles, "chat"))
        return ""

    return encode


PARTS: dict[str, Callable[[Path, Path], str]] = {
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


def _measured(part: str, file: str, rows: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        wall, cpu = time.monotonic(), time.process_time()
        words = PARTS[part](Path(file), Path(home))
        return {
            "wall_s": time.monotonic() - wall,
            "cpu_s": time.process_time() - cpu,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "words": words,
        }


def _print_ratios(taken: dict[str, dict[str, Any]]) -> None:
    wall, cpu = (taken["tokens"][key] / taken["encode"][key] for key in ("wall_s", "cpu_s"))
    print(
        f"checks of tokens / encoding: {wall:.2f} by the clock, {cpu:.2f} in CPU time (limit 1.3)"
    )
    print(
        f"near duplicates: {taken['near']['wall_s'] / 60:.1f} minutes (limit 10), "
        f"{taken['near']['peak_bytes'] / 1e9:.2f} GB (limit 4)"
    )


def _print_near() -> None:
    texts = edited_texts(BRUTE_FORCE_ROWS, seed=11)
    truth, found = near_by_brute_force(texts), set(near(texts, 1_000))
    print(
        f"near duplicates of {BRUTE_FORCE_ROWS:,} texts against brute force ({len(truth)} near an earlier "
        f"one): recall {len(found & truth) / len(truth):.3f} (limit 0.95), "
        f"precision {len(found & truth) / len(found):.3f} (limit 0.98)"
    )


def _print_labelled() -> None:
    from tests.studio.checks.detectors.test_labelled import DETECTORS, LEAST, score

    print("personal data and secrets on the labelled file of 500 lines in 5 languages:")
    for kind in DETECTORS:
        reached = score(kind)
        limit = f"limit {LEAST[kind]:g}" if kind in LEAST else f"missed {len(reached.missed)}"
        print(
            f"  {kind:10} precision {reached.precision:.3f}, recall {reached.recall:.3f} ({limit})"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
