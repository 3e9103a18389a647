"""`python -m studio.verification EXPORT BASE DTYPE REFERENCE RESULT`: the fresh process of a verification."""

from __future__ import annotations

import sys
from pathlib import Path

from jobs import durable
from studio import libraries


def main(arguments: list[str]) -> int:
    """Compare and write the verdict to RESULT; exit 0 whatever the verdict is."""
    with libraries.importing():
        from studio.verification.comparison import compare

    export, base, dtype, reference, result = arguments
    verdict = compare(Path(export), Path(base), dtype, Path(reference))
    durable.write_json(Path(result), verdict.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
