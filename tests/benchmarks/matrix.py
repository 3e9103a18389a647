"""`bench matrix`: every method on every architecture in every number format, kept a cell each.

The results lie in `docs/measured/matrix.jsonl`, and `docs/methods.md` is made of them. What is there
already is not run again unless `--again` is said, or `--stale` and its code was changed since, so that the
whole can be done in several sittings.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from studio.methods import METHODS
from tests.measured import ROOT, Measured, is_made_of
from tests.studio.training.axes import ARCHITECTURES, FORMATS
from tests.studio.training.matrix import Cell, trial

_METHODS = ROOT / "studio" / "methods"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing; 1 where any cell is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run only cells whose name holds this")
    parser.add_argument("--again", action="store_true", help="run cells anew that are there")
    parser.add_argument(
        "--stale", action="store_true", help="run cells whose code was changed since"
    )
    options = parser.parse_args(arguments)
    measured = Measured("matrix")
    for name, cell in cells():
        kept = measured.get(name)
        is_done = is_current(kept) if options.stale else kept is not None
        if options.only in name and (options.again or not is_done):
            found = trial(*cell)
            measured.keep(name, compact(found))
            print(f"{name:40} {words(found)}", flush=True)
    wrong = [cell for cell in measured if cell.get("wrong")]
    print(f"{len(list(measured))} cells of {len(list(cells()))}, {len(wrong)} wrong")
    for cell in wrong:
        print(f"  {cell['cell']}: {', '.join(cell['wrong'])}")
    return 1 if wrong else 0


def cells() -> Iterator[tuple[str, tuple[str, str, str]]]:
    """All combinations, by name; fp32 first, as what is wrong there is mostly wrong everywhere."""
    for form in FORMATS:
        for method in METHODS:
            for architecture in ARCHITECTURES:
                yield f"{method} {architecture} {form}", (method, architecture, form)


def is_current(cell: dict[str, Any] | None) -> bool:
    """Whether a kept cell was made by the code that is there now."""
    return cell is not None and is_made_of(cell, made_of(str(cell["cell"]).split()[0]))


@functools.cache
def made_of(method: str) -> tuple[str, ...]:
    """What the cells of a method depend on: its file, what methods share, training, the trial itself and
    the libraries."""
    own = {file.stem for file in _METHODS.glob("*.py")} & METHODS.keys() - {method}
    others = [
        f":(exclude)studio/methods/{name}.py" for name in sorted({*own, "advice", "benchmark"})
    ]
    # The test of rates is a run of its own.
    training = ("studio/training", ":(exclude)studio/training/rate_test.py")
    return (
        "studio/methods",
        *others,
        *training,
        "tests/studio/training/matrix.py",
        "requirements.lock",
    )


def compact(cell: Cell) -> dict[str, object]:
    """What of a cell is kept: the refusal, or the figures to three digits."""
    if cell.refused:
        return {"refused": cell.refused}
    figures = {
        name: float(f"{value:.2e}")
        for name in ("loss_before", "loss_after", "reload", "merge", "recompute")
        if (value := getattr(cell, name)) is not None
    }
    said = {"unmerged": cell.unmerged} if cell.unmerged else {}
    wrong = {"wrong": list(cell.wrong)} if cell.wrong else {}
    return {"trainable": cell.trainable, **figures, **said, **wrong}


def words(cell: Cell) -> str:
    """A cell on one line."""
    if cell.refused:
        return f"refused: {cell.refused}"
    return f"{'WRONG: ' + ', '.join(cell.wrong) if cell.wrong else 'works'}"


if __name__ == "__main__":
    sys.exit(main())
