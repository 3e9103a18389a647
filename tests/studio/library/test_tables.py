"""The studio's tables: the migrations make what the code expects, beside other packages' tables."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from jobs.database import Database
from jobs.schema import bring_up_to_date
from studio.library.tables import METADATA, SCHEMA


def test_the_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    database = Database(tmp_path / "studio.db")
    bring_up_to_date(database, SCHEMA)
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": SCHEMA.version_table, "compare_type": True}
        )
        assert compare_metadata(context, METADATA) == []


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    assert ScriptDirectory(str(SCHEMA.folder)).get_current_head() == SCHEMA.newest


def test_every_table_is_named_as_the_studios_own() -> None:
    assert all(name.startswith("studio_") for name in METADATA.tables)
