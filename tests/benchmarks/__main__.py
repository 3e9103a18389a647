"""`python launch.py bench NAME`: runs one benchmark by name."""

from __future__ import annotations

import difflib
import runpy
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Hand the rest of the command line to the benchmark; 2 where there is none of that name."""
    known = sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))
    name = arguments[0] if arguments else ""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        print(
            f"There is no benchmark '{name}'.{guess} There are: {', '.join(known)}.",
            file=sys.stderr,
        )
        return 2
    sys.argv = arguments
    runpy.run_module(f"tests.benchmarks.{name}", run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
