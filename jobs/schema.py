"""Brings a package's tables in the shared SQLite file up to date, or refuses a newer file."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect

from jobs.database import Database
from jobs.durable import sync_folder
from jobs.errors import NewerDatabase

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory


@dataclass(frozen=True)
class Schema:
    """One package's tables: its migrations' folder, their newest revision, its version table."""

    folder: Path
    newest: str
    version_table: str


def bring_up_to_date(database: Database, schema: Schema) -> None:
    """Create or upgrade the tables of `schema`; safe when several processes do it at once.

    An older schema is first copied to a file beside the database. Raises NewerDatabase.
    """
    with database.reading() as connection:
        if _revision(connection, schema) == schema.newest:
            return
    with database.writing() as connection:
        # Another process may have done it while this one waited for the lock.
        found = _revision(connection, schema)
        if found != schema.newest:
            _upgrade(connection, database.path, schema, found)


def _revision(connection: Connection, schema: Schema) -> str | None:
    if not inspect(connection).has_table(schema.version_table):
        return None
    row = connection.exec_driver_sql(f"SELECT version_num FROM {schema.version_table}").first()
    return str(row[0]) if row else None


def _upgrade(connection: Connection, path: Path, schema: Schema, found: str | None) -> None:
    # Alembic costs a third of a second to import, and is needed at the first start only.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(schema.folder))
    if found is not None:
        if not _knows(script, found):
            raise NewerDatabase(path, found, schema.newest)
        copy_aside(path, path.with_name(f"{path.stem}.before-{schema.version_table}-{found}.db"))
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": schema.version_table,
            "fn": lambda revision, _: script._upgrade_revs(schema.newest, revision),
            "transactional_ddl": True,
        },
    )
    with Operations.context(context):
        context.run_migrations()


def _knows(script: ScriptDirectory, revision: str) -> bool:
    return revision in {known.revision for known in script.walk_revisions()}


def copy_aside(path: Path, copy: Path) -> None:
    """A whole copy of the database at `path`, made by SQLite itself and flushed to disk."""
    unfinished = copy.with_name(copy.name + ".partial")
    unfinished.unlink(missing_ok=True)
    source, target = sqlite3.connect(path), sqlite3.connect(unfinished)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
    with open(unfinished, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(unfinished, copy)
    sync_folder(copy.parent)
