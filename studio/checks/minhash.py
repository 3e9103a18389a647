"""Which of many texts are nearly the same: MinHash finds candidates, their shingles decide.

A text is the set of its pieces of five letters (shingles); two texts are near when the Jaccard
similarity of their sets, the share of all pieces that both have, is at least `NEAR`. Each text is
sketched by one-permutation MinHash (Li, Owen, Zhang 2012) with empty bins filled as Shrivastava 2017
("Optimal Densification") does; texts that agree in a band of the sketch are candidates, and no
candidate counts before its sets were compared.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NEAR = 0.8
LETTERS = 5

_BINS = 128
_BANDS, _BAND_SIZE = 21, 6
"""At a similarity of 0.8 a pair shares at least one band with 1 - (1 - 0.8⁶)²¹ = 99.8 %."""

_LEAST_AGREEMENT = 0.62
"""Five standard deviations of a sketch of 126 below 0.8: what agrees less is not worth comparing."""

_SMALL_BUCKET = 16
"""In a bucket of more texts each is compared with the first and with the one before it, not with all."""

_PAIRS_AT_ONCE = 50_000
_U64 = np.uint64
_EMPTY = np.uint32(0xFFFFFFFF)

Numbers = NDArray[np.int64]


def shingles(texts: Sequence[str]) -> tuple[NDArray[np.uint64], Numbers]:
    """The hashes of all shingles of the texts one after the other, and the place of each's text."""
    padded = [text if len(text) >= LETTERS else text.ljust(LETTERS, "\0") for text in texts]
    letters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    places = np.repeat(np.arange(len(padded)), lengths)
    # A polynomial of the letters, then a mixer (the finalizer of splitmix64).
    hashes = np.zeros(len(letters) - LETTERS + 1, _U64)
    for offset in range(LETTERS):
        hashes *= _U64(0x9E3779B97F4A7C15)
        hashes += letters[offset : offset + len(hashes)]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        hashes ^= hashes >> _U64(shift)
        hashes *= _U64(factor)
    whole = places[: len(hashes)] == places[LETTERS - 1 :]
    return hashes[whole], places[: len(hashes)][whole]


def sketch(texts: Sequence[str]) -> NDArray[np.uint16]:
    """The sketches of the texts, (texts, 128): the share of equal entries estimates the similarity."""
    hashes, places = shingles(texts)
    least = np.full(len(texts) * _BINS, _EMPTY, np.uint32)
    bins = places * _BINS + (hashes >> _U64(57)).astype(np.int64)
    np.minimum.at(least, bins, (hashes & _U64(0xFFFFFFFE)).astype(np.uint32))
    _densify(least.reshape(-1, _BINS))
    return (least.reshape(-1, _BINS) * np.uint32(0x9E3779B1) >> np.uint32(16)).astype(np.uint16)


def _densify(least: NDArray[np.uint32]) -> None:
    """Fill each empty bin from a full one of its row, chosen by the bin and the number of the attempt."""
    found = least.copy()
    rows, bins = np.nonzero(found == _EMPTY)
    attempt = 0
    while len(rows):
        donors = _donors(attempt)[bins]
        values = found[rows, donors]
        is_full = values != _EMPTY
        least[rows[is_full], bins[is_full]] = values[is_full]
        rows, bins = rows[~is_full], bins[~is_full]
        attempt += 1


@lru_cache(maxsize=4096)
def _donors(attempt: int) -> NDArray[np.int64]:
    """The bin that each bin turns to at this attempt: the same in every process."""
    return np.random.default_rng(attempt).integers(0, _BINS, _BINS)


class NearTexts:
    """Collects texts, then tells which are near an earlier one; the texts wait in a file, not in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with `close`
        self._ends = array("q", [0])
        self._sketches: list[NDArray[np.uint16]] = []

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, texts: Sequence[str]) -> None:
        """Take more texts; none may be empty."""
        if not texts:
            return
        self._sketches.append(sketch(texts))
        for text in texts:
            written = self._file.write(text.encode("utf-8", "surrogatepass"))
            self._ends.append(self._ends[-1] + written)

    def near_an_earlier_one(
        self, on_progress: Callable[[float], None] = lambda share: None
    ) -> Numbers:
        """The places of the texts that are near one that was added before them, ascending."""
        if len(self) < 2:
            return np.empty(0, np.int64)
        sketches = np.concatenate(self._sketches)
        self._sketches = [sketches]
        candidates = np.empty(0, np.int64)
        for band in range(_BANDS):
            entries = sketches[:, band * _BAND_SIZE : (band + 1) * _BAND_SIZE]
            pairs = [
                np.minimum(first, second) + np.maximum(first, second) * len(self)
                for first, second in _in_one_bucket(entries)
            ]
            if pairs:
                new = np.setdiff1d(np.concatenate(pairs), candidates)
                candidates = np.union1d(candidates, self._agreeing(sketches, new))
            on_progress(0.6 * (band + 1) / _BANDS)
        return self._verified(candidates, lambda share: on_progress(0.6 + 0.4 * share))

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _agreeing(self, sketches: NDArray[np.uint16], pairs: Numbers) -> Numbers:
        """The pairs whose sketches agree enough to be worth comparing."""
        kept = []
        for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
            some = pairs[begin : begin + _PAIRS_AT_ONCE]
            equal = sketches[some % len(self)] == sketches[some // len(self)]
            kept.append(some[equal.mean(axis=1) >= _LEAST_AGREEMENT])
        return np.concatenate(kept) if kept else pairs

    def _verified(self, pairs: Numbers, on_progress: Callable[[float], None]) -> Numbers:
        """The later texts of the pairs that are near indeed; ordered by it, one near pair is enough."""
        found = array("q")
        sets = lru_cache(maxsize=20_000)(self._set_of)
        for done, pair in enumerate(pairs.tolist()):
            later, earlier = divmod(pair, len(self))
            if (
                not (found and found[-1] == later)
                and similarity(sets(earlier), sets(later)) >= NEAR
            ):
                found.append(later)
            if done % 1_000 == 0:
                on_progress(done / len(pairs))
        return np.array(found, np.int64)

    def _set_of(self, place: int) -> NDArray[np.uint64]:
        self._file.seek(self._ends[place])
        text = self._file.read(self._ends[place + 1] - self._ends[place])
        return np.unique(shingles([text.decode("utf-8", "surrogatepass")])[0])


def similarity(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> float:
    """The Jaccard similarity of two sets of shingles, each ordered and without repeats."""
    both = len(np.intersect1d(first, second, assume_unique=True))
    return both / (len(first) + len(second) - both)


def _in_one_bucket(entries: NDArray[np.uint16]) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of rows with equal entries."""
    keys = np.zeros(len(entries), _U64)
    for column in entries.T:
        keys = (keys ^ column) * _U64(0x9E3779B97F4A7C15)
        keys ^= keys >> _U64(29)
    order = np.argsort(keys, kind="stable").astype(np.int64)
    ordered = keys[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[begins, len(order)])
    bucket = np.repeat(np.arange(len(begins)), sizes)
    is_small = np.repeat(sizes <= _SMALL_BUCKET, sizes)
    for step in range(1, min(_SMALL_BUCKET, len(order))):
        together = bucket[:-step] == bucket[step:]
        if step > 1:
            together &= is_small[step:]
        if not together.any():
            break
        yield order[:-step][together], order[step:][together]
    of_large = np.flatnonzero(~is_small)
    if len(of_large):
        firsts = order[begins[bucket[of_large]]]
        others = order[of_large]
        yield firsts[firsts != others], others[firsts != others]
