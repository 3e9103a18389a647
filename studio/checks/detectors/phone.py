"""Phone numbers: what is written like one and is a possible number of its country (libphonenumber)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from studio.checks.detectors.detector import Detector, Span
from studio.checks.language import language_of

_NUMBER = re.compile(
    r"(?<![\w.,/@#:=+-])(?:(?:\+|00)[1-9]|\(?\d)(?:[ \u00a0./-]?[()]{0,2}[ \u00a0]?\d){6,15}(?!\d|[.,:]\d|\w)"
)
_DATE = re.compile(
    r"(?:(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)?\d\d"
    r"|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}"
    r"|(?:19|20)\d\d ?[-–/] ?(?:19|20)\d\d|(?:\d{1,3}\.){3}\d{1,3})(?![./-]?\d)"
)
_REGIONS = {
    "en": ("US", "GB", "IE", "AU"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH"),
    "es": ("ES", "MX", "AR", "CO"),
    "pt": ("PT", "BR"),
    "it": ("IT",),
    "nl": ("NL", "BE"),
    "pl": ("PL",),
    "sv": ("SE",),
    "tr": ("TR",),
    "ja": ("JP",),
    "zh": ("CN", "TW", "HK"),
    "ko": ("KR",),
    "ru": ("RU",),
}
_ANY = ("US", "GB", "DE", "FR", "ES", "PT")
_CUE = re.compile(
    r"(?:\b(?:tel|tél|telf|fon|ph|fax|mob|cel|phone|mobile|cell|call|text|ring|dial|whatsapp|signal|sms"
    r"|hotline|telefon\w*|handy\w*|mobil\w*|rufnummer|durchwahl|anruf\w*|rufen|erreichbar|erreichen"
    r"|téléphon\w*|portable|appel\w*|joindre|joignable|numéro|fixe|teléfono|telefono|móvil|celular"
    r"|llam\w*|telefone\w*|telemóvel|ligu\w*|ligar|contacto|contact)\b|電話|电话|手机|携帯|전화|☎|📞)"
    r"[^\d\n+]{0,28}$",
    re.IGNORECASE,
)
_LOOKS_BACK = 60


def find(text: str) -> Iterator[Span]:
    """Every number that its country could have given out: with its country's code, or written as there."""
    regions: tuple[str, ...] | None = None
    for match in _NUMBER.finditer(text):
        written = match.group()
        if _DATE.match(written) or not 7 <= sum(map(str.isdigit, written)) <= 15:
            continue
        if written.startswith(("+", "00")):
            if _is_possible("+" + written.lstrip("+").removeprefix("00"), ("ZZ",)):
                yield match.span()
            continue
        if regions is None:
            regions = _REGIONS.get(language_of(text) or "", _ANY)
        cued = bool(_CUE.search(text[max(0, match.start() - _LOOKS_BACK) : match.start()]))
        if (cued or _is_grouped(written)) and _is_possible(written, regions):
            yield match.span()


def _is_grouped(written: str) -> bool:
    """Whether the digits stand as those of phone numbers do: groups, an area code, a leading zero."""
    groups = re.findall(r"\d+", written)
    if written.startswith("("):
        return True
    if written.startswith("0"):
        return len(groups) >= 2 and len(groups[0]) >= 2
    # Without a zero or a cue only groups that no other number has: prices have three digits in each.
    return [len(group) for group in groups] in ([3, 3, 4], [1, 3, 3, 4], [3, 2, 2, 2])


def _is_possible(written: str, regions: tuple[str, ...]) -> bool:
    for region in regions:
        try:
            number = phonenumbers.parse(written, None if region == "ZZ" else region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False


DETECTOR = Detector("phone", "phone numbers", "[PHONE]", "personal", find, rank=6)
