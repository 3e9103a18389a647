"""Every verb on the studio's own records: keep a dataset, open it, save a half-filled form."""

from __future__ import annotations

import errno
import shutil
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.dialects.sqlite import insert

from jobs.database import Database
from jobs.durable import ENDING, sync_folder, sync_tree
from jobs.schema import bring_up_to_date
from studio.data.readers import open_source, stamp_of
from studio.data.stored import Progress, StoredRows, open_stored, store, table_of
from studio.data.table import Source, Table
from studio.errors import DataProblem, StudioError
from studio.library.notes import Notes
from studio.library.residuals import Residuals
from studio.library.tables import DATASETS, DRAFTS, IMPORTS, SCHEMA
from studio.library.versions import Version, Versions
from studio.settings import Home

_IMPORT_SLOTS = 64
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
    licence: str = ""


@dataclass(frozen=True)
class Imported:
    """A data file's rows as they were kept, and the table that reads them from there."""

    dataset: KeptDataset
    table: Table


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
        self.versions = Versions(self._database, clock)
        self.notes = Notes(self._database, clock)
        self.residuals = Residuals(self._database, clock)

    def close(self) -> None:
        """Close the database's connections; the next call opens new ones."""
        self._database.close()

    def import_file(
        self, path: Path, part: str | None = None, *, progress: Progress | None = None
    ) -> Imported:
        """The rows of a data file, kept; a file that was kept before and has not changed is not read.

        Raises DataProblem where the file cannot be read, StudioError as `keep` does.
        """
        path = Path(path).expanduser().absolute()
        known = self._known_import(path, part)
        if known is not None:
            return known
        # Page and model worker may come to the same file at once: the second finds what the first kept.
        slot = zlib.crc32(str(path).encode("utf-8", "replace")) % _IMPORT_SLOTS
        with FileLock(self.home.tmp / f"import-{slot}.lock"):
            return self._known_import(path, part) or self._import(path, part, progress)

    def _import(self, path: Path, part: str | None, progress: Progress | None) -> Imported:
        """Read a file and keep its rows."""
        stamp = stamp_of(path)
        source = open_source(path, part)
        dataset, rows = self._kept(source, "", progress)
        values = {
            "path": _as_utf8(str(path)),
            "part": part or "",
            "stamp": stamp,
            "hash": dataset.hash,
            "found": {
                "format": source.format,
                "parts": list(source.parts),
                "part": source.part,
                "notes": source.notes,
            },
        }
        new = insert(IMPORTS).values(values)
        new = new.on_conflict_do_update(
            index_elements=[IMPORTS.c.path, IMPORTS.c.part],
            set_={name: new.excluded[name] for name in ("stamp", "hash", "found")},
        )
        with self._database.writing() as connection:
            connection.execute(new)
        return Imported(dataset, table_of(source, rows))

    def imported(self, path: Path, part: str | None = None) -> Imported | None:
        """The rows of a data file that was kept before and has not changed since; else None."""
        return self._known_import(Path(path).expanduser().absolute(), part)

    def _known_import(self, path: Path, part: str | None) -> Imported | None:
        chosen = (IMPORTS.c.path == _as_utf8(str(path))) & (IMPORTS.c.part == (part or ""))
        with self._database.reading() as connection:
            row = connection.execute(sa.select(IMPORTS).where(chosen)).first()
        if row is None or row.stamp != stamp_of(path):
            return None
        try:
            dataset = self.dataset(row.hash)
            rows = open_stored(dataset.folder, row.hash, is_trusted=True)
        except DataProblem:
            return None
        found = row.found
        source = Source(path, found["format"], lambda: iter(()), (), tuple(found["parts"]))
        source = replace(source, part=found["part"], notes=found["notes"])
        return Imported(dataset, table_of(source, rows))

    def keep(
        self, source: Source, name: str = "", *, progress: Progress | None = None
    ) -> KeptDataset:
        """Copy a source's rows into the home; the same content is kept once, whatever its file.

        Raises StudioError (code `disk_full`) when there is no room; nothing half-written stays.
        """
        return self._kept(source, name, progress)[0]

    def _kept(
        self, source: Source, name: str, progress: Progress | None
    ) -> tuple[KeptDataset, StoredRows]:
        unfinished = self.home.datasets / f".import-{uuid.uuid4().hex}{ENDING}"
        try:
            with self._in_words(source):
                unfinished.mkdir()
                rows = store(source, unfinished, progress)
                sync_tree(unfinished)
                rows = replace(rows, folder=self._put_in_place(unfinished, rows.hash))
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        values = {
            "hash": rows.hash,
            "name": _as_utf8(name or source.path.stem),
            "source_file": _as_utf8(str(source.path.absolute())),
            "rows": len(rows),
            "columns": list(rows.kinds),
            "bytes": sum(file.stat().st_size for file in rows.folder.iterdir()),
            "created_at": self._clock(),
        }
        # The folder stands before its record: a crash between the two loses nothing.
        with self._database.writing() as connection:
            connection.execute(insert(DATASETS).values(values).on_conflict_do_nothing())
        return self.dataset(rows.hash), rows

    def set_licence(self, hash_: str, licence: str) -> None:
        """Write down under which licence a dataset stands; it goes into the model card."""
        chosen = sa.update(DATASETS).where(DATASETS.c.hash == hash_).values(licence=licence)
        with self._database.writing() as connection:
            connection.execute(chosen)

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

    def open(self, hash_: str) -> StoredRows:
        """The rows of a kept dataset, checked against its hash.

        Raises DataProblem when it is missing or was changed on disk.
        """
        return open_stored(self.home.datasets / hash_, hash_)

    def table_of(self, version: Version, imported: Table) -> Table:
        """The table of a version of what was imported, each row with its place in the file.

        Raises DataProblem when it is missing or was changed on disk.
        """
        rows = open_stored(self.home.datasets / version.hash, version.hash, is_trusted=True)
        lines, numbers = rows.places()
        return replace(imported, columns=tuple(rows.kinds), rows=rows, lines=lines, numbers=numbers)

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
            licence=row.licence,
        )

    def _put_in_place(self, unfinished: Path, hash_: str) -> Path:
        """Give the written folder its name, unless the same content stands there whole already."""
        folder = self.home.datasets / hash_
        if folder.exists():
            try:
                open_stored(folder, hash_)
                return folder
            except DataProblem:
                aside = self.home.tmp / f"changed-{hash_[:12]}-{uuid.uuid4().hex[:8]}"
                with suppress(FileNotFoundError):  # another process may have been quicker
                    folder.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            # Another process has kept the same content meanwhile.
        sync_folder(self.home.datasets)
        return folder

    @contextmanager
    def _in_words(self, source: Source) -> Iterator[None]:
        """What writing to the home may end in, in words; reading has its own."""
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StudioError(
                    f"There is no room left in {self.home.datasets} to keep the rows of "
                    f"{source.path.name}. Nothing was kept. Make some room and try again.",
                    code="disk_full",
                ) from error
            raise StudioError(
                f"The rows of {source.path.name} could not be kept in {self.home.datasets} "
                f"({error.strerror or error}). Look whether that folder can be written to.",
                code="home",
            ) from error


def import_into(
    home: Home, path: Path, part: str | None, on_progress: Callable[[float, str], None]
) -> None:
    """`Library.import_file` for a process that holds no library of its own."""
    with closing(Library(home)) as library:
        library.import_file(
            path, part, progress=lambda rows: on_progress(0.0, f"{rows:,} rows read")
        )


def _as_utf8(text: str) -> str:
    """File names on Linux may hold bytes that are no letters; the database takes letters only."""
    return text.encode("utf-8", "replace").decode()
