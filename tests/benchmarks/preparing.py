"""Preparing rows for a run, against one bare pass of chat template and tokenizer over the same texts.

    python launch.py bench preparing [--rows N ...] [--rounds N] [--only PATTERN] [--again]

Ours is all that a run does between its kept dataset and rows that can be trained on: reading and checking
the dataset, making examples, splitting, template, tokenizer, where the answers stand, keeping the result.
Judged by CPU seconds in one process, the tokenizer's own threads off; both in turns, the least of each.
Every size is kept in `docs/measured/preparing.jsonl` with the commit it was made at.
"""

from __future__ import annotations

import argparse
import csv
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from studio import libraries
from studio.library import Library
from studio.orders.freezing import freeze_data
from studio.settings import ASSETS, Home
from studio.spec import TrainSpec
from tests.benchmarks import _cells
from tests.benchmarks.training import model_folder

ROWS, ROUNDS = (1_000, 10_000, 100_000), 2
LIMIT, STRAIGHT = 1.3, 0.15
ASKED, ANSWERED = 25, 65
BATCH = 1_000


@dataclass(frozen=True)
class Found:
    """CPU seconds for so many rows: of the bare pass, of ours, of ours where all is known from before;
    wall seconds until the first row could be trained on."""

    rows: int
    pass_s: float
    ours_s: float
    again_s: float
    first_s: float

    @property
    def ratio(self) -> float:
        """Ours in bare passes."""
        return self.ours_s / self.pass_s


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 where every size is within the limit and all cost the same a row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    libraries.settle()
    from studio.training.loading import load_tokenizer

    tokenizer = load_tokenizer(model_folder())
    kept = _cells.run(
        "preparing",
        {
            f"{count:,} rows": partial(measured, count, options.rounds, tokenizer)
            for count in options.rows
        },
        only=options.only,
        again=options.again,
    )
    return report(list(kept.values()))


def measured(count: int, rounds: int, tokenizer: Any) -> dict[str, Any]:
    """One size as it is kept, with what it was made with."""
    return asdict(measure(count, rounds, tokenizer)) | {
        "transformers": version("transformers"),
        "tokenizers": version("tokenizers"),
        "python": sys.version.split()[0],
    }


def report(kept: Sequence[Mapping[str, Any]]) -> int:
    """Print the table; 0 where no limit is broken."""
    heads = (
        f"{'rows':>9}{'pass':>9}{'ours':>9}{'ratio':>7}{'a row':>9}{'again':>9}{'first row':>11}"
    )
    print(f"{heads}{'load':>6}  commit")
    found = [Found(**{field.name: cell[field.name] for field in fields(Found)}) for cell in kept]
    for each, cell in zip(found, kept, strict=True):
        print(
            f"{each.rows:9,}{each.pass_s:7.2f} s{each.ours_s:7.2f} s{each.ratio:7.2f}"
            f"{each.ours_s / each.rows * 1e6:6.0f} us{each.again_s:7.2f} s{each.first_s:9.2f} s"
            f"{cell['load']:6.1f}  {cell['commit']}"
        )
    print(
        "pass, ours, again (tokens known from before): CPU seconds; first row: seconds by the clock from "
        "the command to train until a row could be trained on"
    )
    # In bare passes: what a busy machine adds to a row, it adds to the pass taken in turns with it.
    ratios = [each.ratio for each in found]
    costs = [each.ours_s / each.rows for each in found]
    bend, drift = (max(values) / min(values) - 1 for values in (ratios, costs))
    print(
        f"limit {LIMIT} times a pass; cost a row differs by {bend:.0%} in bare passes "
        f"(limit {STRAIGHT:.0%}), by {drift:.0%} in CPU seconds"
    )
    return 0 if max(ratios) <= LIMIT and bend <= STRAIGHT else 1


def measure(count: int, rounds: int, tokenizer: Any) -> Found:
    """One size, in a home of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").prepare()
        library = Library(home)
        data = {"path": str(write_rows(Path(folder) / "rows.csv", count))}
        spec = freeze_data(TrainSpec.parse({"data": data}), library)
        talks = [
            [turn.as_json() for turn in example.messages]
            for part in split_of(library, spec)
            for example in part
        ]
        # What both have in memory from here on is not looked through for garbage again and again.
        gc.collect()
        gc.freeze()
        passes, ours, again, first = [], [], [], []
        for _ in range(rounds):
            passes.append(cpu_seconds(lambda: bare_pass(talks, tokenizer))[0])
            for file in home.encodings.glob("*/*"):
                file.unlink()
            seconds, waited = cpu_seconds(lambda: prepared(library, home, spec, tokenizer))
            ours.append(seconds)
            first.append(waited)
            again.append(cpu_seconds(lambda: prepared(library, home, spec, tokenizer))[0])
        library.close()
    return Found(count, min(passes), min(ours), min(again), min(first))


def write_rows(path: Path, count: int) -> Path:
    """Questions of 25 and answers of 65 English words on average, about 130 tokens with the template."""
    source = random.Random(0)
    words = (ASSETS / "starter" / "replies.csv").read_text(encoding="utf-8").split()
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["question", "answer"])
        for number in range(count):
            asked, answered = (source.randint(5, 2 * mean - 5) for mean in (ASKED, ANSWERED))
            question = " ".join(source.choices(words, k=asked))
            writer.writerow([f"{number}: {question}", " ".join(source.choices(words, k=answered))])
    return path


def split_of(library: Library, spec: TrainSpec) -> Any:
    """The examples of a queued spec."""
    from studio.training.kept import kept_split

    return kept_split(library, spec.data, spec.objective.name)


def bare_pass(talks: Sequence[Any], tokenizer: Any) -> None:
    """What cannot be left out: every conversation through the template, every text through the tokenizer."""
    for begin in range(0, len(talks), BATCH):
        texts = [
            tokenizer.apply_chat_template(talk, tokenize=False)
            for talk in talks[begin : begin + BATCH]
        ]
        tokenizer(texts, add_special_tokens=False)["input_ids"]


def prepared(library: Library, home: Home, spec: TrainSpec, tokenizer: Any) -> float:
    """All rows ready and kept, as the task `train` has it done; gives the seconds until the first was."""
    from studio.training.kept_encodings import KeptEncodings
    from studio.training.preparing import Kept, prepare

    began = time.monotonic()
    kept = Kept(KeptEncodings(home.encodings), str(spec.data.dataset), spec.data.columns or {})
    rows = prepare(
        split_of(library, spec), spec.objective, tokenizer, spec.training.max_length, kept
    )
    assert rows.training[0].ids
    waited = time.monotonic() - began
    rows.ahead.wait()
    return waited


def cpu_seconds(act: Callable[[], Any]) -> tuple[float, Any]:
    """What `act` took of all cores, and what it gave."""
    began = time.process_time()
    given = act()
    return time.process_time() - began, given


if __name__ == "__main__":
    sys.exit(main())
