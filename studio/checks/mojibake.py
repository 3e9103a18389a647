"""Text whose letters were damaged by a wrong encoding: `schÃ¶n` for `schön`, or replacement signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from ftfy import fix_encoding
from ftfy.badness import is_bad

from studio.checks.batch import Batch
from studio.checks.cells import each_text
from studio.checks.check import LEAVE_OUT, Check, Fix
from studio.checks.search import Hit, Search
from studio.data.table import Row

# Letters with which damaged UTF-8 nearly always shows itself; what has none is not looked at closer.
_SUSPICIOUS = re.compile("[\u0080-\u009f\u00a4-\u00bf\u00c2-\u00c5\u00d0\u00d1\u00e2\u00e3\u20ac]")
_LOST = "\ufffd"
# The same in UTF-8: C2 with any byte, C3 with one of these, and two signs of three bytes.
_BEHIND_C3 = np.isin(np.arange(256), [*range(0x82, 0x86), 0x90, 0x91, 0xA2, 0xA3])
_MARKS = (b"\xc2", "\u20ac".encode(), _LOST.encode())


def _needs_a_look(text: str) -> bool:
    """Whether a text holds a letter that damage shows itself with: over many rows quicker than a pattern."""
    if text.isascii():
        return False
    content = text.encode("utf-8", "surrogatepass")
    if any(mark in content for mark in _MARKS):
        return True
    signs = np.frombuffer(content, np.uint8)
    return bool(_BEHIND_C3[signs[np.flatnonzero(signs == 0xC3) + 1]].any())


def _damaged(batch: Batch) -> Iterator[Hit]:
    if not _needs_a_look(batch.all_text):
        return
    for place, text in enumerate(batch.texts):
        if text.isascii():
            continue
        at = text.find(_LOST)
        if at >= 0:
            yield Hit(place, at, "letters lost for good")
            continue
        suspect = _SUSPICIOUS.search(text)
        if suspect and is_bad(text) and fix_encoding(text) != text:
            yield Hit(place, suspect.start(), "letters that can be repaired")


def _repair(row: Row, roles: Mapping[str, str], data: Mapping[str, Any]) -> Row | None:
    return each_text(row, roles, fix_encoding)


CHECK = Check(
    name="mojibake",
    title="Damaged letters",
    why="The file was read or saved in the wrong encoding somewhere: the model learns the damage.",
    begin=lambda circumstances: Search(
        _damaged, "letters are damaged by a wrong encoding: {kinds}"
    ),
    fixes=(Fix("repair", "Repair the letters", _repair), LEAVE_OUT),
)
