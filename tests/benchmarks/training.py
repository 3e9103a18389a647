"""A training step's cost beside transformers' Trainer, TRL and LLaMA-Factory: the same rows in turns.

    python launch.py bench training [--only PATTERN] [--rounds N] [--steps N] [--again]

Judged by CPU seconds a real token at one thread, which other programs on the machine disturb least;
wall time at two threads and the rivals' own packing are run once and printed. Every cell (program,
round) is kept in `docs/measured/training.jsonl` with the commit it was made at, so that the whole can
be measured in several sittings.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from studio.models import starter
from studio.models.convert import convert_gguf
from tests.benchmarks import _cells
from tests.benchmarks.rivals.environments import python_of
from tests.studio.ui.serving import ROOT

PLACE = ROOT / ".benchmarks"
WORK = PLACE / "training" / "work"
PROGRAMS = ROOT / "tests" / "benchmarks" / "rivals"
STEPS, BATCH, RANK, RATE = 31, 4, 16, 2e-4
ROUNDS = 3
SHORTEST, LONGEST, ANSWER = 8, 252, 0.69
WORDS = range(1000, 40_000)
RESAMPLES = 10_000
# What a rival's step must cost, at the lower end of the interval, in ours.
LIMITS = {"trainer": 1.35, "trl": 1.35, "llamafactory": 1.35, "llamafactory as it ships": 1.65}
MEMORY_LIMIT, CHECKPOINTED_LIMIT = 0.8, 0.9
PYTHON_LIMIT = 0.05


@dataclass(frozen=True)
class Program:
    """One way to run the work: the file of `rivals/`, and what is asked of it."""

    name: str
    file: str
    environment: str = ""
    checkpointing: bool = False
    packing: bool = False
    profiled: bool = False


OURS = Program("ours", "ours.py")
OURS_CHECKPOINTED = Program("ours, checkpointing", "ours.py", checkpointing=True)
PROFILED = Program("ours, python", "ours.py", profiled=True)
JUDGED = (
    OURS,
    Program("trainer", "trainer.py"),
    Program("trl", "sft.py", "trl"),
    Program("llamafactory", "factory.py", "llamafactory"),
    Program("llamafactory as it ships", "factory.py", "llamafactory", checkpointing=True),
)
PRINTED = (
    OURS_CHECKPOINTED,
    PROFILED,
    Program("trl, packing", "sft.py", "trl", packing=True),
    Program("llamafactory, packing", "factory.py", "llamafactory", packing=True),
)


@dataclass(frozen=True)
class Cell:
    """One run of a program."""

    program: Program
    threads: int
    round: int
    steps: int

    @property
    def name(self) -> str:
        """What `--only` looks at, and the name the result is kept by."""
        return (
            f"{self.program.name}, {self.threads} threads, round {self.round}, {self.steps} steps"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, print the tables; 0 where every limit is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    wanted = {cell.name: cell for cell in cells(options.rounds, options.steps)}
    found = _cells.run(
        "training",
        {name: partial(run, cell) for name, cell in wanted.items()},
        only=options.only,
        again=options.again,
    )
    return report({wanted[name]: kept for name, kept in found.items()}, options)


def cells(rounds: int, steps: int) -> Iterator[Cell]:
    """All that is measured, programs alternating within each round."""
    for number in range(rounds):
        yield from (Cell(program, 1, number, steps) for program in JUDGED)
    yield from (Cell(program, 1, 0, steps) for program in PRINTED)
    yield from (Cell(program, 2, 0, steps) for program in JUDGED)


def run(cell: Cell) -> dict[str, Any]:
    """Run one cell in the environment of its program."""
    task = {
        "model": str(model_folder()),
        "rows": str(rows_of(cell.steps)),
        "out": str(WORK / "out.json"),
        "steps": cell.steps,
        "batch_size": BATCH,
        "rank": RANK,
        "learning_rate": RATE,
        "threads": cell.threads,
        "checkpointing": cell.program.checkpointing,
        "packing": cell.program.packing,
        "profiled": cell.program.profiled,
    }
    Path(task["out"]).unlink(missing_ok=True)
    python = python_of(cell.program.environment, PLACE / "rivals")
    command = [str(python), str(PROGRAMS / cell.program.file), json.dumps(task)]
    with open(WORK / f"{cell.name}.log", "w", encoding="utf-8") as log:
        subprocess.run(command, cwd=WORK, check=True, stdout=log, stderr=subprocess.STDOUT)
    document: dict[str, Any] = json.loads(Path(task["out"]).read_text(encoding="utf-8"))
    return document | {"products_per_s": products_per_s(cell.threads)}


def model_folder() -> Path:
    """The starter model, converted once for all benchmarks."""
    folder = PLACE / "starter"
    if not folder.exists():
        convert_gguf(starter.find().path, folder, log=print)
    return folder


def rows_of(steps: int) -> Path:
    """The file with the rows of so many steps, made where it is not there."""
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / f"rows-{steps}.jsonl"
    return file if file.exists() else write_rows(file, steps)


def write_rows(file: Path, steps: int) -> Path:
    """Rows for so many steps: lengths even between 8 and 252 tokens (mean 130; 5 % below 20, 5 % above
    240), the last 69 % of each its answer, tokens at random."""
    source = random.Random(0)
    with open(file, "w", encoding="utf-8") as out:
        for _ in range(steps * BATCH):
            length = source.randint(SHORTEST, LONGEST)
            asked = length - max(1, round(ANSWER * length))
            mask = [0] * asked + [1] * (length - asked)
            out.write(json.dumps({"ids": source.choices(WORDS, k=length), "mask": mask}) + "\n")
    return file


def products_per_s(threads: int) -> float:
    """Floating-point operations a CPU second of large float32 matrix products, on this machine now."""
    code = (
        "import time, torch; torch.set_num_threads(int(__import__('sys').argv[1]))\n"
        "a, b = torch.randn(2, 2048, 2048); a @ b; began = time.process_time()\n"
        "for _ in range(8): a @ b\n"
        "print(8 * 2 * 2048**3 / (time.process_time() - began))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(threads)], capture_output=True, text=True, check=True
    )
    return float(answer.stdout)


def report(kept: Mapping[Cell, Mapping[str, Any]], options: argparse.Namespace) -> int:
    """Print what is there; 0 where nothing that is there breaks a limit."""
    print(f"{'':52}{'CPU s':>8}{'wall s':>8}{'peak':>9}{'load':>6}  commit")
    for cell, found in kept.items():
        steps = found["steps"][1:]
        cpu, wall = (statistics.mean(step[name] for step in steps) for name in ("cpu_s", "wall_s"))
        print(
            f"{cell.name:52}{cpu:8.2f}{wall:8.2f}{found['peak_bytes'] / 1e6:6.0f} MB"
            f"{found['load']:6.1f}  {found['commit']}"
        )
    failed = [*_report_speed(kept, options), *_report_memory(kept), *_report_python(kept)]
    _report_products(kept)
    for words in failed:
        print(f"limit broken: {words}", file=sys.stderr)
    return 1 if failed else 0


def _report_speed(kept: Mapping[Cell, Any], options: argparse.Namespace) -> Iterator[str]:
    """Each rival's cost in ours, with its interval; yields what breaks a limit."""
    for program in JUDGED[1:]:
        both = [
            (kept[theirs]["steps"], kept[ours]["steps"])
            for number in range(options.rounds)
            if (theirs := Cell(program, 1, number, options.steps)) in kept
            and (ours := Cell(OURS, 1, number, options.steps)) in kept
        ]
        pairs = [
            (their["cpu_s"], our["cpu_s"])
            for theirs, ours in both
            for their, our in zip(theirs[1:], ours[1:], strict=True)
        ]
        if not pairs:
            continue
        low, middle, high = interval(pairs)
        apart = max(_apart(theirs, ours) for theirs, ours in both)
        print(
            f"{program.name} / ours: {middle:.2f} times the CPU seconds a token "
            f"(95 % between {low:.2f} and {high:.2f}; {len(pairs)} pairs of steps; "
            f"limit {LIMITS[program.name]}); losses at most {apart:.1%} apart"
        )
        if low < LIMITS[program.name]:
            yield f"{program.name} / ours: {low:.2f} < {LIMITS[program.name]}"


def interval(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Lower end, value and upper end of the ratio of sums, by resampling the pairs."""
    source = random.Random(0)
    ratios = []
    for _ in range(RESAMPLES):
        drawn = source.choices(pairs, k=len(pairs))
        ratios.append(sum(pair[0] for pair in drawn) / sum(pair[1] for pair in drawn))
    ratios.sort()
    value = sum(pair[0] for pair in pairs) / sum(pair[1] for pair in pairs)
    return ratios[int(0.025 * RESAMPLES)], value, ratios[int(0.975 * RESAMPLES)]


def _apart(theirs: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, Any]]) -> float:
    """The largest difference of two loss curves, as a share of ours."""
    pairs = [(a["loss"], b["loss"]) for a, b in zip(theirs, ours, strict=True)]
    return max(abs(a - b) / b for a, b in pairs if a is not None and b is not None)


def _report_memory(kept: Mapping[Cell, Any]) -> Iterator[str]:
    """Our worst round's peak resident memory beside the best one of all rivals'; yields what breaks a limit."""

    def peaks(programs: Iterable[Program]) -> list[int]:
        return [
            found["peak_bytes"]
            for cell, found in kept.items()
            if cell.threads == 1 and cell.program in programs
        ]

    plain, shipped = JUDGED[1:4], JUDGED[4:]
    comparisons = (
        ("ours / the best, none checkpointing", OURS, plain, MEMORY_LIMIT),
        ("ours / llamafactory, both checkpointing", OURS_CHECKPOINTED, shipped, CHECKPOINTED_LIMIT),
    )
    for words, program, rivals, limit in comparisons:
        ours, theirs = max(peaks([program]), default=0), min(peaks(rivals), default=0)
        if ours and theirs:
            print(f"peak memory, {words}: {ours / theirs:.2f} (limit {limit})")
            if ours / theirs > limit:
                yield f"peak memory, {words}: {ours / theirs:.2f} > {limit}"


def _report_python(kept: Mapping[Cell, Any]) -> Iterator[str]:
    """In what of a step torch carried out nothing, the profiler's own work included.

    The backward pass's own nodes are torch's; without them it is what lies in none of its operations.

    By the clock: where the program may not keep the processor to itself, others' work counts, too."""
    for cell, found in kept.items():
        if cell.program == PROFILED:
            share = found["outside"]
            print(
                f"{cell.name}: {share:.1%} of a step outside torch (limit {PYTHON_LIMIT:.0%}; "
                f"{found['outside_operations']:.1%} outside its operations alone)"
            )
            if share > PYTHON_LIMIT:
                yield f"outside torch: {share:.1%} > {PYTHON_LIMIT:.0%}"


def _report_products(kept: Mapping[Cell, Any]) -> None:
    """How much of the machine's own rate of matrix products the products of our step reach."""
    config = json.loads((model_folder() / "config.json").read_text(encoding="utf-8"))
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    keys = hidden * config["num_key_value_heads"] // config["num_attention_heads"]
    pairs = (
        [(hidden, hidden)] * 2 + [(hidden, keys)] * 2 + [(hidden, config["intermediate_size"])] * 3
    )
    base = layers * sum(a * b for a, b in pairs)
    adapter = layers * RANK * sum(a + b for a, b in pairs)
    head = hidden * config["vocab_size"]
    for cell, found in kept.items():
        if cell.program != OURS:
            continue
        with open(rows_of(cell.steps), encoding="utf-8") as file:
            masks = [json.loads(line)["mask"] for line in file][BATCH:]
        tokens, trained = sum(map(len, masks)), sum(map(sum, masks))
        work = tokens * (4 * base + 6 * adapter) + 4 * trained * head
        seconds = sum(step["cpu_s"] for step in found["steps"][1:])
        share = work / seconds / found["products_per_s"]
        print(
            f"{cell.name}: {tokens / seconds:.0f} tokens a CPU second, "
            f"{share:.0%} of the machine's rate of matrix products "
            f"({found['products_per_s'] / 1e9:.0f} GFLOP/s just after)"
        )


if __name__ == "__main__":
    sys.exit(main())
