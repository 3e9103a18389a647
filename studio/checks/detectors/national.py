"""Numbers that a state gives a person: tax, insurance and identity numbers, with their checksums."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from studio.checks.detectors.checksums import luhn
from studio.checks.detectors.detector import Detector, Span


@dataclass(frozen=True)
class _Kind:
    """One state's number: how it is written, whether its digits agree, and the words that go with it.

    With a `cue` it only counts where one of those words stands shortly before.
    """

    pattern: re.Pattern[str]
    is_right: Callable[[str], bool]
    cue: re.Pattern[str] | None = None


def _always(compact: str) -> bool:
    return True


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _german_tax(digits: str) -> bool:
    """Steueridentifikationsnummer: ISO 7064 mod 11, 10; one digit stands two or three times."""
    if digits[0] == "0" or len(set(digits[:10])) not in (8, 9):
        return False
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def _german_insurance(compact: str) -> bool:
    """Rentenversicherungsnummer: area, birthday, letter, serial, check digit over cross sums."""
    letter = f"{ord(compact[8].upper()) - 64:02d}"
    digits = compact[:8] + letter + compact[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    products = [int(digit) * weight for digit, weight in zip(digits, weights, strict=True)]
    return sum(product // 10 + product % 10 for product in products) % 10 == int(compact[11])


def _french(compact: str) -> bool:
    """NIR: 13 digits (Corsica: 2A, 2B) and 97 minus their rest by 97."""
    number = compact[:13].upper().replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(compact[13:])


def _spanish(compact: str) -> bool:
    """DNI and NIE: the letter is the rest by 23."""
    number = compact.upper()
    digits = {"X": "0", "Y": "1", "Z": "2"}.get(number[0], number[0]) + number[1:-1]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == number[-1]


def _portuguese(digits: str) -> bool:
    """NIF: weights 9 to 2, mod 11."""
    check = 11 - _weighted(digits[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return digits[8] == str(check if check < 10 else 0)


def _brazilian(digits: str) -> bool:
    """CPF: two check digits, mod 11; all digits equal is none."""
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(digits[place]) * (length + 1 - place) for place in range(length))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


def _american(digits: str) -> bool:
    """SSN: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    return (
        digits[:3] not in ("000", "666")
        and digits[0] != "9"
        and digits[3:5] != "00"
        and digits[5:] != "0000"
    )


_ITALIAN_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
            *(
                1,
                0,
                5,
                7,
                9,
                13,
                15,
                17,
                19,
                21,
                2,
                4,
                18,
                20,
                11,
                3,
                6,
                8,
                12,
                14,
                16,
                10,
                22,
                25,
                24,
                23,
            ),
        ),
        strict=True,
    )
)


def _italian(compact: str) -> bool:
    """Codice fiscale: a letter over odd and even places."""
    code = compact.upper()
    odd = sum(_ITALIAN_ODD[sign] for sign in code[:15:2])
    even = sum(int(sign) if sign.isdigit() else ord(sign) - 65 for sign in code[1:15:2])
    return chr(65 + (odd + even) % 26) == code[15]


def _chinese(compact: str) -> bool:
    """Resident identity number: a birthday, and ISO 7064 mod 11, 2."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(compact[:17]))
    return "10X98765432"[total % 11] == compact[17].upper()


def _swiss(digits: str) -> bool:
    """AHV number: the check digit of EAN-13."""
    return (10 - _weighted(digits[:12], (1, 3) * 6)) % 10 == int(digits[12])


def _dutch(digits: str) -> bool:
    """BSN: weights 9 to 2 and -1, mod 11."""
    return _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and digits != "000000000"


def _polish(digits: str) -> bool:
    """PESEL: weights 1, 3, 7, 9, mod 10."""
    return (10 - _weighted(digits[:10], (1, 3, 7, 9) * 3) % 10) % 10 == int(digits[10])


def _swedish(digits: str) -> bool:
    """Personnummer: Luhn over the last ten digits."""
    return luhn(digits[-10:])


def _cue(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b[^\n]{{0,40}}$", re.IGNORECASE)


_TAX = _cue(r"steuer\w*|idnr|id-nr|tax ?(?:id|number|no)")
_PORTUGUESE = _cue(r"nif|contribuinte|fiscal|utente|cidadão|tax ?(?:id|number|no)")
_AMERICAN = _cue(r"ssn|social security|tax(?:payer)? ?(?:id|number|no)")
_KINDS = (
    _Kind(re.compile(r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}"), _german_tax, _TAX),
    _Kind(re.compile(r"\d{2}[ ]?\d{6}[ ]?[A-Z][ ]?\d{3}"), _german_insurance),
    _Kind(
        re.compile(
            r"[1-478][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2]|[2-9]\d)[ ]?(?:\d{2}|2[AB])"
            r"[ ]?\d{3}[ ]?\d{3}[ /]{0,3}\d{2}"
        ),
        _french,
    ),
    _Kind(
        re.compile(r"(?:\d{2}\.?\d{3}\.?\d{3}|[XYZxyz][- ]?\d{7})[- ]?[A-HJ-NP-TV-Za-hj-np-tv-z]"),
        _spanish,
    ),
    _Kind(re.compile(r"[1-35689]\d{2}[ ]?\d{3}[ ]?\d{3}"), _portuguese, _PORTUGUESE),
    _Kind(re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), _brazilian),
    _Kind(re.compile(r"\d{11}"), _brazilian, _cue("cpf")),
    _Kind(re.compile(r"\d{3}-\d{2}-\d{4}"), _american),
    _Kind(re.compile(r"\d{3} \d{2} \d{4}|\d{9}"), _american, _AMERICAN),
    _Kind(
        re.compile(
            r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-D]"
        ),
        _always,
    ),
    _Kind(re.compile(r"[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]"), _italian),
    _Kind(
        re.compile(r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"),
        _chinese,
    ),
    _Kind(re.compile(r"756\.?\d{4}\.?\d{4}\.?\d{2}"), _swiss),
    _Kind(re.compile(r"\d{9}"), _dutch, _cue("bsn|burgerservicenummer")),
    _Kind(re.compile(r"\d{2}[0-3]\d[0-3]\d\d{5}"), _polish, _cue("pesel")),
    _Kind(re.compile(r"(?:19|20)?\d{2}[01]\d[0-3]\d[-+]\d{4}"), _swedish),
)
_BEFORE, _AFTER = r"(?<![\w.,/+-])", r"(?![\w]|[.,/-]\d)"
_BOUNDED = tuple(
    (re.compile(_BEFORE + "(?:" + kind.pattern.pattern + ")" + _AFTER), kind) for kind in _KINDS
)
# Each of them holds six digits or more, no more than three other signs apart: most texts do not.
_MANY_DIGITS = re.compile(r"\d(?:\D{0,3}\d){5}")
_LOOKS_BACK = 60


def find(text: str) -> Iterator[Span]:
    """Every number whose checksum is right; short ones only behind a word that names them."""
    if not _MANY_DIGITS.search(text):
        return
    for pattern, kind in _BOUNDED:
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - _LOOKS_BACK) : match.start()]
            if kind.cue is not None and not kind.cue.search(before):
                continue
            if kind.is_right(re.sub(r"[^0-9A-Za-z]", "", match.group())):
                yield match.span()


DETECTOR = Detector("national", "national identity numbers", "[ID]", "personal", find, rank=4)
