"""`python -m studio.verification`: the fresh process of a verification.

It reads `[EXPORT, BASE, DTYPE, REFERENCE, RESULT]` as JSON from its input, once its libraries are loaded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from jobs import durable
from studio import libraries


def main() -> int:
    """Compare and write the verdict to RESULT; exit 0 whatever the verdict is, and where nothing is asked."""
    with libraries.importing():
        from studio.verification.comparison import compare

    asked = sys.stdin.read()
    if asked:
        export, base, dtype, reference, result = json.loads(asked)
        verdict = compare(Path(export), Path(base), dtype, Path(reference))
        durable.write_json(Path(result), verdict.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
