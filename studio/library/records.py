"""Every verb on the studio's own records: keep a dataset, open it, save a half-filled form."""

from __future__ import annotations

import errno
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from jobs.database import Database
from jobs.durable import new_folder
from jobs.schema import bring_up_to_date
from studio.data.table import Table
from studio.errors import DataProblem, StudioError
from studio.library import kept
from studio.library.kept import KeptRows
from studio.library.tables import DATASETS, DRAFTS, SCHEMA
from studio.settings import Home

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class KeptDataset:
    """A dataset as it was kept: immutable, named by the hash of its content."""

    hash: str
    name: str
    source_file: Path
    rows: int
    columns: tuple[str, ...]
    folder: Path
    bytes: int
    created_at: float


@dataclass(frozen=True)
class Draft:
    """A half-filled form: its id stands in the page's address."""

    id: str
    value: dict[str, Any]
    updated_at: float


class Library:
    """Records in the home's SQLite file, and the dataset folders they tell of.

    A database that others keep locked raises `jobs.errors.StoreBusy`; pages open with a patience
    of one second.
    """

    def __init__(
        self, home: Home, *, patience_s: float = 90.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.home = home.prepare()
        self._clock = clock
        self._database = Database(home.database, patience_s=patience_s)
        bring_up_to_date(self._database, SCHEMA)

    def close(self) -> None:
        """Close the database's connections; the next call opens new ones."""
        self._database.close()

    def keep(self, table: Table, name: str = "") -> KeptDataset:
        """Copy a table's rows into the home; the same content is kept once, whatever its file.

        Raises StudioError (code `disk_full`) when there is no room; nothing half-written stays.
        """
        hash_ = kept.content_hash(table.columns, table.rows)
        folder = self.home.datasets / hash_
        if not self._is_whole(folder, hash_):
            self._write(folder, table, hash_)
        values = {
            "hash": hash_,
            "name": _as_utf8(name or table.path.stem),
            "source_file": _as_utf8(str(table.path.absolute())),
            "rows": len(table.rows),
            "columns": list(table.columns),
            "bytes": sum(file.stat().st_size for file in folder.iterdir()),
            "created_at": self._clock(),
        }
        # The folder stands before its record: a crash between the two loses nothing.
        with self._database.writing() as connection:
            connection.execute(insert(DATASETS).values(values).on_conflict_do_nothing())
        return self.dataset(hash_)

    def dataset(self, hash_: str) -> KeptDataset:
        """The record of one kept dataset. Raises DataProblem when there is none of that hash."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(DATASETS).where(DATASETS.c.hash == hash_)).first()
        if row is None:
            raise DataProblem(
                f"There is no kept dataset {hash_[:12]} in {self.home.datasets}. "
                "Choose its data file again.",
                code="dataset_missing",
            )
        return self._dataset(row)

    def datasets(self) -> list[KeptDataset]:
        """All kept datasets, the newest first."""
        newest_first = sa.select(DATASETS).order_by(DATASETS.c.created_at.desc(), DATASETS.c.hash)
        with self._database.reading() as connection:
            return [self._dataset(row) for row in connection.execute(newest_first)]

    def open(self, hash_: str) -> KeptRows:
        """The rows of a kept dataset, checked against its hash.

        Raises DataProblem when it is missing or was changed on disk.
        """
        return kept.open_rows(self.home.datasets / hash_, hash_)

    def save_draft(self, draft_id: str, value: dict[str, Any]) -> Draft:
        """Keep a half-filled form under its id, in place of what was kept before."""
        draft = Draft(draft_id, value, self._clock())
        new = insert(DRAFTS).values(id=draft.id, value=value, updated_at=draft.updated_at)
        new = new.on_conflict_do_update(
            index_elements=[DRAFTS.c.id],
            set_={"value": new.excluded.value, "updated_at": new.excluded.updated_at},
        )
        with self._database.writing() as connection:
            connection.execute(new)
        return draft

    def draft(self, draft_id: str) -> Draft | None:
        """The form kept under that id, if any."""
        return self._one_draft(sa.select(DRAFTS).where(DRAFTS.c.id == draft_id))

    def latest_draft(self) -> Draft | None:
        """The form that was saved last, if any."""
        return self._one_draft(sa.select(DRAFTS).order_by(DRAFTS.c.updated_at.desc()).limit(1))

    def drop_draft(self, draft_id: str) -> None:
        """Forget a form, once its run is queued; an unknown id is no error."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(DRAFTS).where(DRAFTS.c.id == draft_id))

    def _one_draft(self, query: sa.Select[Any]) -> Draft | None:
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Draft(row.id, row.value, row.updated_at)

    def _dataset(self, row: sa.Row[Any]) -> KeptDataset:
        return KeptDataset(
            hash=row.hash,
            name=row.name,
            source_file=Path(row.source_file),
            rows=row.rows,
            columns=tuple(row.columns),
            folder=self.home.datasets / row.hash,
            bytes=row.bytes,
            created_at=row.created_at,
        )

    def _is_whole(self, folder: Path, hash_: str) -> bool:
        """Whether the folder holds this content; one that was changed is moved out of the way."""
        if not folder.exists():
            return False
        try:
            kept.open_rows(folder, hash_)
        except DataProblem:
            aside = self.home.tmp / f"changed-{hash_[:12]}-{uuid.uuid4().hex[:8]}"
            with suppress(FileNotFoundError):  # another process may have been quicker
                folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
            return False
        return True

    def _write(self, folder: Path, table: Table, hash_: str) -> None:
        try:
            with new_folder(folder) as unfinished:
                kept.write(unfinished, table.columns, table.rows, hash_)
        except OSError as error:
            if folder.exists():
                return  # another process has kept the same content meanwhile
            if error.errno in _NO_ROOM:
                raise StudioError(
                    f"There is no room left in {self.home.datasets} to keep the rows of "
                    f"{table.path.name}. Nothing was kept. Make some room and try again.",
                    code="disk_full",
                ) from error
            raise StudioError(
                f"The rows of {table.path.name} could not be kept in {self.home.datasets} "
                f"({error.strerror or error}). Look whether that folder can be written to.",
                code="home",
            ) from error


def _as_utf8(text: str) -> str:
    """File names on Linux may hold bytes that are no letters; the database takes letters only."""
    return text.encode("utf-8", "replace").decode()
