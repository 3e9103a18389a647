"""`bench matrix`: every method on every architecture in every number format, kept a cell each.

The results lie in `docs/measured/matrix.jsonl`, and `docs/methods.md` is made of them. What is there
already is not run again unless `--again` is said, so that the whole can be done in several sittings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from studio.methods import METHODS
from tests.measured import Measured
from tests.studio.training.axes import ARCHITECTURES, FORMATS
from tests.studio.training.matrix import Cell, trial


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing; 1 where any cell is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="run only cells whose name holds this")
    parser.add_argument("--again", action="store_true", help="run cells anew that are there")
    options = parser.parse_args(arguments)
    measured = Measured("matrix")
    for name, cell in cells():
        if options.only in name and (options.again or name not in measured):
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
