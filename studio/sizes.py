"""Sizes as a person reads them."""

from __future__ import annotations

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def size(count_bytes: float) -> str:
    """`0 bytes`, `312 MB`, `1.4 GB`; 1 KB is 1,000 bytes, as on a drive's label."""
    amount, unit = float(count_bytes), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    digits = 1 if unit >= 3 and amount < 99.95 else 0
    return f"{amount:,.{digits}f} {_UNITS[unit]}"
