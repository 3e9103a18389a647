"""Packed rows: many encoded rows as a few flat arrays, in memory or in files mapped into it."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from jobs.durable import write_json
from studio.objectives import Encoded

Numbers = npt.NDArray[Any]

_RECORD = "record.json"
_REJECTED, _MISMATCHED, _GOOD = 1, 2, 4


@dataclass(frozen=True, eq=False)
class PackedRows(Sequence[Encoded]):
    """Rows without what a run adds to them (`reference`).

    `tokens (T,)` int32 are twice each id, plus 1 where it is trained, of all lines behind one another;
    `line_ends (L,)` int64 say where each line ends. A row has a line of its own and may have one that is
    rejected and one that is mismatched: `kinds (N,)` uint8 says which, and whether its answer is wanted.
    `targets (M,)` int64 end at `target_ends (N,)`; `weights (N,)` float64.
    """

    tokens: Numbers
    line_ends: Numbers
    kinds: Numbers
    weights: Numbers
    targets: Numbers
    target_ends: Numbers

    @classmethod
    def of(cls, rows: Iterable[Encoded]) -> PackedRows:
        """Rows packed. Raises ValueError for a row that holds more than this can."""
        ids: list[int] = []
        trained = bytearray()
        line_ends, targets, target_ends = array("q"), array("q"), array("q")
        kinds, weights = bytearray(), array("d")
        for row in rows:
            for line in (row, row.rejected, row.mismatched):
                if line is not None:
                    if line is not row and line != Encoded(line.ids, line.mask):
                        raise ValueError("a row beside another is its tokens and nothing else")
                    ids += line.ids
                    trained += bytes(line.mask)
                    line_ends.append(len(ids))
            targets.extend(row.target)
            target_ends.append(len(targets))
            kinds.append(
                _REJECTED * (row.rejected is not None)
                + _MISMATCHED * (row.mismatched is not None)
                + _GOOD * row.is_good
            )
            weights.append(row.weight)
        return cls(
            np.array(ids, np.int32) * 2 + np.frombuffer(bytes(trained), np.uint8),
            np.array(line_ends, np.int64),
            np.frombuffer(bytes(kinds), np.uint8),
            np.array(weights, np.float64),
            np.array(targets, np.int64),
            np.array(target_ends, np.int64),
        )

    @classmethod
    def joined(cls, parts: Sequence[PackedRows]) -> PackedRows:
        """The rows of all parts behind one another; there is at least one part."""
        return cls(
            np.concatenate([part.tokens for part in parts]),
            _ends_joined([part.line_ends for part in parts]),
            np.concatenate([part.kinds for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.targets for part in parts]),
            _ends_joined([part.target_ends for part in parts]),
        )

    @property
    def bytes(self) -> int:
        """What the arrays take."""
        return sum(int(getattr(self, field.name).nbytes) for field in fields(self))

    def __len__(self) -> int:
        return len(self.kinds)

    @overload
    def __getitem__(self, place: int) -> Encoded: ...
    @overload
    def __getitem__(self, place: slice) -> list[Encoded]: ...
    def __getitem__(self, place: int | slice) -> Encoded | list[Encoded]:
        """A row, made anew each time."""
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        place = range(len(self))[place]
        kind, line = int(self.kinds[place]), int(self._first_lines[place])
        rejected = self._line(line + 1) if kind & _REJECTED else None
        mismatched = self._line(line + 1 + (kind & _REJECTED)) if kind & _MISMATCHED else None
        own = self._line(line)
        begin = int(self.target_ends[place - 1]) if place else 0
        target = tuple(self.targets[begin : int(self.target_ends[place])].tolist())
        weight, is_good = float(self.weights[place]), bool(kind & _GOOD)
        return Encoded(own.ids, own.mask, rejected, mismatched, target, weight, is_good)

    def __iter__(self) -> Iterator[Encoded]:
        return (self[place] for place in range(len(self)))

    def _line(self, number: int) -> Encoded:
        begin = int(self.line_ends[number - 1]) if number else 0
        values = self.tokens[begin : int(self.line_ends[number])]
        return Encoded((values >> 1).tolist(), (values & 1).tolist())

    @cached_property
    def _first_lines(self) -> Numbers:
        lines = 1 + (self.kinds & _REJECTED) + (self.kinds & _MISMATCHED) // _MISMATCHED
        ends: Numbers = np.cumsum(lines, dtype=np.int64)
        return ends - lines

    def save(self, folder: Path) -> None:
        """Write the arrays into an empty folder, each with its hash."""
        hashes = {}
        for field in fields(self):
            file = folder / f"{field.name}.npy"
            np.save(file, getattr(self, field.name))
            hashes[file.name] = _sha256(file)
        write_json(folder / _RECORD, {"sha256": hashes})

    @classmethod
    def open(cls, folder: Path) -> PackedRows:
        """The rows that `save` wrote, mapped. Raises OSError or ValueError where they are not whole."""
        hashes = json.loads((folder / _RECORD).read_text(encoding="utf-8"))["sha256"]
        arrays = []
        for field in fields(cls):
            file = folder / f"{field.name}.npy"
            if _sha256(file) != hashes.get(file.name):
                raise ValueError(f"{file} was changed")
            arrays.append(np.asarray(np.load(file, mmap_mode="r", allow_pickle=False)))
        return cls(*arrays)


def _ends_joined(parts: Sequence[Numbers]) -> Numbers:
    """Places counted from the begin of the first part on."""
    before = np.cumsum([0, *(int(part[-1]) if len(part) else 0 for part in parts)])
    return np.concatenate([part + begin for part, begin in zip(parts, before, strict=False)])


def _sha256(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
