"""International bank account numbers: the country's length and the checksum of ISO 13616."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.checks.detectors.detector import Detector, Span

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z]{2}\d{2})((?:[ \u00a0-]?[A-Za-z0-9]){11,32})", re.ASCII
)
# Country and length, from the IBAN registry that SWIFT keeps.
_LENGTHS = {
    "AD": 24,
    "AE": 23,
    "AL": 28,
    "AT": 20,
    "AZ": 28,
    "BA": 20,
    "BE": 16,
    "BG": 22,
    "BH": 22,
    "BR": 29,
    "BY": 28,
    "CH": 21,
    "CR": 22,
    "CY": 28,
    "CZ": 24,
    "DE": 22,
    "DK": 18,
    "DO": 28,
    "EE": 20,
    "EG": 29,
    "ES": 24,
    "FI": 18,
    "FO": 18,
    "FR": 27,
    "GB": 22,
    "GE": 22,
    "GI": 23,
    "GL": 18,
    "GR": 27,
    "GT": 28,
    "HR": 21,
    "HU": 28,
    "IE": 22,
    "IL": 23,
    "IQ": 23,
    "IS": 26,
    "IT": 27,
    "JO": 30,
    "KW": 30,
    "KZ": 20,
    "LB": 28,
    "LC": 32,
    "LI": 21,
    "LT": 20,
    "LU": 20,
    "LV": 21,
    "LY": 25,
    "MC": 27,
    "MD": 24,
    "ME": 22,
    "MK": 19,
    "MR": 27,
    "MT": 31,
    "MU": 30,
    "NL": 18,
    "NO": 15,
    "PK": 24,
    "PL": 28,
    "PS": 29,
    "PT": 25,
    "QA": 29,
    "RO": 24,
    "RS": 22,
    "SA": 24,
    "SC": 31,
    "SE": 24,
    "SI": 19,
    "SK": 24,
    "SM": 27,
    "ST": 25,
    "SV": 28,
    "TL": 23,
    "TN": 24,
    "TR": 26,
    "UA": 29,
    "VA": 22,
    "VG": 24,
    "XK": 20,
}


def find(text: str) -> Iterator[Span]:
    """Every account number whose checksum is right, with blanks between or without."""
    for match in _NUMBER.finditer(text):
        length = _LENGTHS.get(match.group(1)[:2].upper(), 0)
        end = _end_of(match.group(), length)
        after = match.start() + end
        if end and not text[after : after + 1].isalnum():
            compact = re.sub(r"[ \u00a0-]", "", match.group()[:end])
            if checksum_is_right(compact):
                yield match.start(), after


def _end_of(text: str, length: int) -> int:
    """Where the first `length` letters and digits of the text end; 0 where there are fewer."""
    seen = 0
    for place, letter in enumerate(text, start=1):
        seen += letter.isalnum()
        if length and seen == length:
            return place
    return 0


def checksum_is_right(compact: str) -> bool:
    """Whether the number, its first four signs moved to the end and letters read as 10 to 35, is 1 mod 97."""
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


DETECTOR = Detector("iban", "bank account numbers (IBAN)", "[IBAN]", "personal", find, rank=2)
