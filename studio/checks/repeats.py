"""Equal things among many rows by a hash of 64 bits each: which stand more than once."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def hashed(values: list[str]) -> array[int]:
    """Each text's hash in this process, as signed 64-bit numbers.

    Two different texts among n rows share one with a probability of about n² / 2⁶⁵: 3 in 10⁸ for
    a million rows.
    """
    return array("q", map(hash, values))


def groups(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places ordered by key, and where in that order each group begins; first come first within."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(keys) else order[:0]
    return order.astype(np.int64), begins.astype(np.int64)


def later_ones(keys: Any) -> Rows:
    """The places whose key stands at an earlier place too, ascending."""
    order, begins = groups(_numbers(keys))
    is_first = np.zeros(len(order), bool)
    is_first[begins] = True
    later: Rows = np.sort(order[~is_first])
    return later


def disagreeing(keys: Any, values: Any) -> list[Rows]:
    """For each key that stands with more than one value: its places, ascending."""
    values = _numbers(values)
    order, begins = groups(_numbers(keys))
    if not len(order):
        return []
    ordered = values[order]
    least, most = (np.minimum.reduceat(ordered, begins), np.maximum.reduceat(ordered, begins))
    ends = np.r_[begins[1:], len(order)]
    return [
        order[begin:end]
        for begin, end, differs in zip(begins, ends, least != most, strict=True)
        if differs
    ]


def _numbers(keys: Any) -> NDArray[np.int64]:
    return np.frombuffer(keys, np.int64) if len(keys) else np.empty(0, np.int64)
