"""The queue: claims beside huey's, recovery after kill -9, cancelling, listing, what a window costs.

`bench queue` runs all parts; `bench queue claims`, `recovery`, `cancel`, `list`, `open` or `idle` runs one.
Each cell is kept with its commit; `--only` chooses cells, `--again` runs anew those that are there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from tests.benchmarks import (
    _cancelling,
    _cells,
    _claiming,
    _idling,
    _listing,
    _recovering,
    _staying,
)
from tests.benchmarks._cells import Part
from tests.measured import commit

JOBS = 10_000


def main(arguments: Sequence[str] = ()) -> int:
    """Print the tables; 0 where nothing went wrong and every bound was kept."""
    names = ("claims", "recovery", "cancel", "list", "open", "idle")
    parser = argparse.ArgumentParser(prog="bench queue")
    _cells.add_parts(parser, names)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--seconds", type=float, default=60.0, help="of idling, each")
    _cells.add_options(parser)
    options = parser.parse_args(arguments)
    parts = {
        "claims": Part(
            _claiming.cells(options.jobs), lambda found: _claiming.report(found, options.jobs)
        ),
        "recovery": Part(_recovering.cells(), _recovering.report),
        "cancel": Part(_cancelling.cells(), _cancelling.report),
        "list": Part(_listing.cells(), _listing.report),
        "open": Part(_staying.cells(), _staying.report),
        "idle": Part(
            _idling.cells(options.seconds), lambda found: _idling.report(found, options.seconds)
        ),
    }
    are_kept = _cells.run_parts("queue", parts, options)
    print(
        f"\ncommit {commit()}, SQLAlchemy {version('sqlalchemy')}, huey {version('huey')}, "
        f"gradio {version('gradio')}, Python {sys.version.split()[0]}"
    )
    return 0 if are_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
