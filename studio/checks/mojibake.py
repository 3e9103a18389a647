"""Text whose letters were damaged by a wrong encoding: `schÃ¶n` for `schön`, or replacement signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

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
_SUSPICIOUS_BYTES = bytes(sign for sign in range(0x80, 0x100) if _SUSPICIOUS.match(chr(sign)))


def _needs_a_look(text: str) -> bool:
    """Whether a text may hold a letter that damage shows itself with; quicker than the pattern."""
    if text.isascii():
        return False
    try:
        content = text.encode("latin-1")
    except UnicodeEncodeError:
        return True
    return len(content.translate(None, _SUSPICIOUS_BYTES)) < len(content)


def _damaged(batch: Batch) -> Iterator[Hit]:
    if not _needs_a_look(batch.all_text):
        return
    for place, text in enumerate(batch.texts):
        if not _needs_a_look(text):
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
