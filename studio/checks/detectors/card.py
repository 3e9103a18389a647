"""Numbers of payment cards: an issuer's beginning, its length, and the check digit of Luhn."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.checks.detectors.checksums import luhn
from studio.checks.detectors.detector import Detector, Span

_NUMBER = re.compile(r"(?<![\w.,/+-])\d(?:[ -]?\d){12,18}(?![\w]|[.,/-]\d)")
# Beginning of the number, and how many digits it may have (ISO/IEC 7812; the issuers' published ranges).
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|5[1-5]\d{14}"
    r"|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}"
    r"|35(?:2[89]|[3-8]\d)\d{12}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}"
    r"|62\d{14,17}"
)


def find(text: str) -> Iterator[Span]:
    """Every number that an issuer could have given out and whose check digit is right."""
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _ISSUERS.fullmatch(digits) and luhn(digits):
            yield match.span()


DETECTOR = Detector("card", "payment card numbers", "[CARD]", "personal", find, rank=3)
