"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.checks.detectors.detector import Detector, Span

_ADDRESS = re.compile(
    r"(?<![\w.+%-])[^\W_][\w.+%'-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,6}[^\W\d_]{2,24}(?![\w@])"
)
# `icon@2x.png` is a picture's name.
_FILE = re.compile(r"@\d(?:\.\d)?x\.\w+$")


def find(text: str) -> Iterator[Span]:
    """Every address whose host has a top-level domain."""
    if "@" not in text:
        return
    for match in _ADDRESS.finditer(text):
        if not _FILE.search(match.group()) and ".." not in match.group():
            yield match.span()


DETECTOR = Detector("email", "e-mail addresses", "[EMAIL]", "personal", find, rank=1)
