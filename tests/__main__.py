"""`python launch.py test`: every check and test, and one summary at the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from tests import browser

CHECKS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "imports": [
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as run; run()",
    ],
    "types": ["-m", "mypy"],
}
# What takes longest is named at the end of each run: the whole is to stay short.
SLOWEST = ["--durations=30", "--durations-min=4"]
# A process of tests holds torch and small models; more of them than these gain little.
PROCESS_BYTES = 4_000_000_000
MOST_PROCESSES = 8
NO_BROWSER = (
    "no browser of Chromium's family was found or could be installed. Install Chromium, Chrome or "
    f"Edge, or name one in the variable {browser.VARIABLE}, and run the tests again"
)


@dataclass(frozen=True)
class Outcome:
    """How one step ended: `verdict` is passed, failed or NOT RUN; `closing` is pytest's last line."""

    step: str
    verdict: str
    seconds: float = 0.0
    closing: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the run as a whole may count as passed; journeys left out count against CI only."""
        is_let_off = self.verdict == "NOT RUN" and os.environ.get("CI", "").lower() != "true"
        return self.verdict == "passed" or is_let_off


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; 0 when all of it passed."""
    started = time.monotonic()
    asked = [argument for argument in arguments if argument != "--long"]
    marks = "" if "--long" in arguments else "not long and "
    chosen = [argument for argument in asked if not argument.startswith("-")]
    if chosen:
        # Named tests are wanted whatever their marks, and without the other checks.
        os.environ[browser.VARIABLE] = browser.find() or ""
        outcomes = [run_tests("tests", [*asked, "-m", ""])]
    else:
        unmarked = ["-m", f"{marks}not gpu and not journey"]
        with ThreadPoolExecutor(1) as beside:
            # They use one core, and what the tests wait for leaves room for them.
            checks = [beside.submit(run_check, *check) for check in CHECKS.items()]
            tests = run_tests("tests", [*unmarked, *side_by_side(), *SLOWEST, *asked])
        outcomes = [*(check.result() for check in checks), tests]
        walks = ["-m", f"{marks}journey", "tests/journeys"]
        outcomes.append(run_journeys([*walks, *side_by_side(), *SLOWEST, *asked]))
    print("\n".join(summary(outcomes, time.monotonic() - started)), flush=True)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def run_check(step: str, command: Sequence[str]) -> Outcome:
    """One check that has nothing to count; what it says is printed whole when it has ended."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    sys.stdout.buffer.write(f"\n=== {step}\n".encode() + done.stdout)
    sys.stdout.buffer.flush()
    verdict = "failed" if done.returncode else "passed"
    return Outcome(step, verdict, time.monotonic() - started)


def run_journeys(arguments: Sequence[str]) -> Outcome:
    """The tests in a real browser, or the loud word that there is none."""
    found = browser.bring()
    if found is None:
        return Outcome("journeys", "NOT RUN", closing=NO_BROWSER)
    os.environ[browser.VARIABLE] = found
    return run_tests("journeys", arguments)


def side_by_side() -> list[str]:
    """Options for a process of tests a core, as far as memory goes: each computes with one thread, which for
    models of some thousand weights is as quick as with all. A file's tests stay together and share set-up."""
    cores, memory = os.cpu_count() or 1, psutil.virtual_memory().total
    processes = max(1, min(cores, MOST_PROCESSES, memory // PROCESS_BYTES))
    in_our_order = ["--dist", "loadfile", "--no-loadscope-reorder"]
    return ["--numprocesses", str(processes), *in_our_order]


def run_tests(step: str, arguments: Sequence[str]) -> Outcome:
    """One run of pytest, its output passed through as it comes, its closing line kept."""
    print(f"\n=== {step}", flush=True)
    started = time.monotonic()
    colour = "yes" if sys.stdout.isatty() else "no"
    command = [sys.executable, "-m", "pytest", f"--color={colour}", *arguments]
    closing = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as pytest:
        assert pytest.stdout is not None
        for line in pytest.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            words = re.sub(r"\x1b\[[\d;]*m", "", line.decode("utf-8", "replace")).strip()
            closing = words.strip("= ") if re.search(r" in [\d.]+s\b", words) else closing
    verdict = "failed" if pytest.returncode else "passed"
    return Outcome(step, verdict, time.monotonic() - started, closing)


def summary(outcomes: Iterable[Outcome], seconds: float) -> list[str]:
    """A line a step, and last the sum of all tests in pytest's own form, with the seconds of the whole."""
    lines = ["", "What was run:"]
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        time_words = f"{outcome.seconds:8.1f} s" if outcome.seconds else " " * 10
        line = f"  {outcome.step:12} {outcome.verdict:8} {time_words}   {outcome.closing}"
        lines.append(line.rstrip())
        for number, kind in re.findall(r"(\d+) (passed|failed|error|skipped)", outcome.closing):
            counts[kind] += int(number)
        counts["failed"] += outcome.verdict == "failed" and not outcome.closing
    kinds = ("failed", "error", "passed", "skipped")
    words = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind])
    return [*lines, f"===== {words or 'no tests ran'} in {seconds:.2f}s ====="]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
