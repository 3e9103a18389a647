"""The versions of a kept dataset: each fix makes one from the one before; what was held out stays so."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from jobs.database import Database
from studio.data.examples import Example
from studio.data.split import Split, hold_out, split, split_as_before
from studio.errors import DataProblem
from studio.library.tables import SPLITS, VERSIONS

_GROUP_BYTES = 16


@dataclass(frozen=True)
class Version:
    """One state of a dataset. `fix` says how it came from `parent`; the first has neither.

    `line` is the hash of the first version: what all versions of one import have in common.
    """

    id: int
    line: str
    parent: int | None
    hash: str
    fix: Mapping[str, Any]
    created_at: float

    @property
    def words(self) -> str:
        """What was done, in a sentence; empty for the first version."""
        return str(self.fix.get("words", ""))


class FrozenSplit(NamedTuple):
    """A split by its name, None where nothing is held out, and the rows (`Example.row`) that it holds out."""

    name: str | None
    rows: frozenset[int]


class Versions:
    """The versions and splits in the library's database. Nothing is ever deleted: undoing goes back."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def first(self, hash_: str) -> Version:
        """The dataset as it was imported, as the first version of its line."""
        with self._database.writing() as connection:
            chosen = (VERSIONS.c.hash == hash_) & VERSIONS.c.parent.is_(None)
            row = connection.execute(sa.select(VERSIONS).where(chosen)).first()
            if row is None:
                values = {"line": hash_, "hash": hash_, "fix": {}, "created_at": self._clock()}
                made = sa.insert(VERSIONS).values(values).returning(VERSIONS)
                row = connection.execute(made).one()
        return _version(row)

    def add(self, parent: Version, hash_: str, fix: Mapping[str, Any]) -> Version:
        """Write down that `fix` made the dataset `hash_` out of `parent`."""
        values = {
            "line": parent.line,
            "parent": parent.id,
            "hash": hash_,
            "fix": dict(fix),
            "created_at": self._clock(),
        }
        with self._database.writing() as connection:
            row = connection.execute(sa.insert(VERSIONS).values(values).returning(VERSIONS)).one()
        return _version(row)

    def get(self, id_: int) -> Version:
        """One version. Raises DataProblem where there is none of that number."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(VERSIONS).where(VERSIONS.c.id == id_)).first()
        if row is None:
            raise DataProblem(
                f"There is no version {id_} of a dataset here. Choose the data file again.",
                code="dataset_missing",
            )
        return _version(row)

    def history(self, version: Version) -> list[Version]:
        """The versions from the first to this one."""
        found = [version]
        while (parent := found[0].parent) is not None:
            found.insert(0, self.get(parent))
        return found

    def latest_of(self, hash_: str) -> Version | None:
        """The newest version that is this dataset, of whatever line; None where none is known."""
        chosen = sa.select(VERSIONS).where(VERSIONS.c.hash == hash_).order_by(VERSIONS.c.id.desc())
        with self._database.reading() as connection:
            row = connection.execute(chosen.limit(1)).first()
        return None if row is None else _version(row)

    def held_out(self, hash_: str) -> frozenset[bytes]:
        """Every group that was ever held out in a line of versions with this dataset (see `group_of`)."""
        lines = sa.select(VERSIONS.c.line).where(VERSIONS.c.hash == hash_)
        chosen = sa.select(SPLITS.c.groups).where(
            SPLITS.c.line.in_(lines) | (SPLITS.c.line == hash_)
        )
        with self._database.reading() as connection:
            return frozenset(
                group for row in connection.execute(chosen) for group in _groups(row.groups)
            )

    def hold_out(self, hash_: str, groups: Collection[bytes]) -> str:
        """Write down groups that are held out of a dataset, for ever; gives the split's name."""
        packed = b"".join(sorted(groups))
        name = hashlib.sha256(packed).hexdigest()[:32]
        with self._database.writing() as connection:
            lines = {
                row.line
                for row in connection.execute(
                    sa.select(VERSIONS.c.line).where(VERSIONS.c.hash == hash_)
                )
            }
            rows = [{"name": name, "line": line, "groups": packed} for line in lines or {hash_}]
            connection.execute(insert(SPLITS).values(rows).on_conflict_do_nothing())
        return name

    def split(
        self,
        examples: Sequence[Example],
        hash_: str,
        share: float,
        seed: int,
        name: str | None = None,
    ) -> Split:
        """The examples of a dataset, split by name as it was frozen, else as it would be frozen now.

        Raises DataProblem where nothing would be left to train on, or the name is not known.
        """
        if name is None:
            return split(examples, share, seed, self.held_out(hash_))
        return split_as_before(examples, self.groups(name))

    def groups(self, name: str) -> frozenset[bytes]:
        """The groups that the split of this name holds out. Raises DataProblem where it is not known."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(SPLITS).where(SPLITS.c.name == name)).first()
        if row is None:
            raise DataProblem(
                f"It is not known here which rows the split {name} holds out. Start the run anew from "
                "its data file.",
                code="split_missing",
            )
        return frozenset(_groups(row.groups))

    def freeze_split(
        self, examples: Iterable[Example], hash_: str, share: float, seed: int
    ) -> FrozenSplit:
        """Settle which groups a run holds out, and write it down; the examples pass by one at a time.

        Raises DataProblem where nothing would be left to train on.
        """
        rows, groups = hold_out(examples, share, seed, self.held_out(hash_))
        return FrozenSplit(self.hold_out(hash_, groups) if groups else None, rows)


def _groups(packed: bytes) -> Iterator[bytes]:
    for begin in range(0, len(packed), _GROUP_BYTES):
        yield packed[begin : begin + _GROUP_BYTES]


def _version(row: sa.Row[Any]) -> Version:
    return Version(row.id, row.line, row.parent, row.hash, row.fix, row.created_at)
