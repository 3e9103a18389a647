"""Passwords, keys and access tokens, by the shape that their issuers give them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from studio.checks.detectors.detector import Detector, Span

_SHAPES = re.compile(
    r"(?<![\w-])(?:"
    r"(?:AKIA|ASIA|AGPA|AROA|AIDA)[A-Z0-9]{16}"  # Amazon
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}"  # GitHub
    r"|glpat-[\w-]{20,64}"  # GitLab
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}"  # Slack
    r"|sk-(?:ant-|proj-|svcacct-)?[\w-]{20,250}"  # model services
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,250}"  # Stripe
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,250}"  # Google
    r"|hf_[A-Za-z0-9]{30,60}"  # Hugging Face
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,250}|dop_v1_[a-f0-9]{64}"
    r"|SG\.[\w-]{16,32}\.[\w-]{30,64}"  # SendGrid
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"  # JSON web tokens
    r"|\d{8,10}:AA[\w-]{32,35}"  # Telegram
    r")(?![\w-])"
)
_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----.*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"(?<![A-Za-z])(?:password|passwd|pwd|passphrase|secret|api[ _-]?key|access[ _-]?key|secret[ _-]?key"
    r"|auth[ _-]?token"
    r"|access[ _-]?token|bearer|kennwort|passwort|zugangscode|mot de passe|contraseña|clave|senha|palavra-passe"
    r"|密码|パスワード)"
    r"(?:\s+(?:is|ist|est|es|é|lautet))?\s*(?:[:=：]\s*|\s(?=[\"'`]))[\"'`]?(?P<value>[^\s\"'`<>]{6,200})",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,64}:(?P<value>[^\s/:@]{3,128})@")


def find(text: str) -> Iterator[Span]:
    """Every key of a known shape, private key, password in an address, and value behind `password:`."""
    yield from (match.span() for match in _SHAPES.finditer(text))
    if "-----BEGIN" in text:
        yield from (match.span() for match in _BLOCK.finditer(text))
    if "://" in text:
        yield from (match.span("value") for match in _IN_ADDRESS.finditer(text))
    if ":" in text or "=" in text or "：" in text:
        for match in _NAMED.finditer(text):
            value = match.group("value").rstrip(".,;)")
            if _is_random(value) and not _SHAPES.match(value):
                yield match.start("value"), match.start("value") + len(value)


def _is_random(value: str) -> bool:
    """Whether a value is a password rather than a word: letters and others mixed, few repeated."""
    if len(value) < 6 or value.isalpha():
        return False
    if value.startswith(("{", "$", "[", "<", "http", "*", "%")):
        return False
    counts = Counter(value)
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
    kinds = sum(any(map(test, value)) for test in (str.isalpha, str.isdigit))
    return bits >= 2.2 and (
        kinds == 2 or (len(set(value) - set("-_.")) >= 6 and not value.isalnum())
    )


DETECTOR = Detector("secret", "passwords, keys and tokens", "[SECRET]", "secret", find, rank=0)
