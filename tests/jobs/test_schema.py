"""Tables are made, brought up to date, and refused where they are newer than the program."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from jobs import tables
from jobs.database import Database
from jobs.errors import NewerDatabase
from jobs.schema import Schema, bring_up_to_date
from jobs.store import SCHEMA, Store

FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "a1", None
def upgrade():
    op.create_table("shoes", sa.Column("size", sa.Integer))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "a2", "a1"
def upgrade():
    with op.batch_alter_table("shoes") as shoes:
        shoes.add_column(sa.Column("colour", sa.String, server_default="red"))
"""


@pytest.fixture
def older(tmp_path: Path) -> Schema:
    """A schema at its first revision."""
    (tmp_path / "m" / "versions").mkdir(parents=True)
    (tmp_path / "m" / "versions" / "a1_.py").write_text(FIRST)
    return Schema(tmp_path / "m", "a1", "shoes_version")


def newer(older: Schema, second: str = SECOND) -> Schema:
    """The same schema in a later version of the program."""
    (older.folder / "versions" / "a2_.py").write_text(second)
    return Schema(older.folder, "a2", older.version_table)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def test_the_newest_revision_is_the_one_the_program_opens() -> None:
    assert ScriptDirectory(str(SCHEMA.folder)).get_current_head() == tables.SCHEMA


def test_the_migrations_make_the_tables_that_the_program_knows(store: Store) -> None:
    known = set(tables.metadata.tables)
    with Database(store.path).reading() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": tables.VERSION_TABLE,
                "include_name": lambda name, kind, _: kind != "table" or name in known,
            },
        )
        assert compare_metadata(context, tables.metadata) == []


def test_an_older_database_is_copied_and_then_upgraded(tmp_path: Path, older: Schema) -> None:
    database = Database(tmp_path / "shop.db")
    bring_up_to_date(database, older)
    rows(database.path, "INSERT INTO shoes VALUES (42) RETURNING size")
    bring_up_to_date(database, newer(older))
    assert rows(database.path, "SELECT * FROM shoes") == [(42, "red")]
    copy = tmp_path / "shop.before-shoes_version-a1.db"
    assert rows(copy, "SELECT * FROM shoes") == [(42,)]


def test_a_new_database_needs_no_copy(tmp_path: Path) -> None:
    Store(tmp_path / "studio.db")
    assert [path.name for path in tmp_path.glob("*.db")] == ["studio.db"]


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, older: Schema) -> None:
    database = Database(tmp_path / "shop.db")
    bring_up_to_date(database, older)
    broken = newer(older, SECOND + "    op.drop_table('not_there')\n")
    with pytest.raises(Exception, match="not_there"):
        bring_up_to_date(database, broken)
    assert rows(database.path, "SELECT * FROM shoes_version") == [("a1",)]
    assert rows(database.path, "PRAGMA table_info(shoes)")[-1][1] == "size"


def test_an_older_program_refuses_a_newer_database_in_words(store: Store) -> None:
    rows(store.path, "UPDATE jobs_version SET version_num = '9999' RETURNING version_num")
    before = store.path.read_bytes()
    with pytest.raises(NewerDatabase, match=r"newer version .*9999.* Nothing was changed"):
        Store(store.path)
    assert store.path.read_bytes() == before


def test_several_processes_may_make_the_same_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "studio.db"
    code = f"from pathlib import Path; from jobs.store import Store; Store(Path({str(path)!r}))"
    starts = [
        subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
        for _ in range(4)
    ]
    assert [start.wait() for start in starts] == [0] * 4
    assert rows(path, "SELECT * FROM jobs_version") == [(tables.SCHEMA,)]


def test_two_packages_share_one_file(store: Store, older: Schema) -> None:
    bring_up_to_date(Database(store.path), older)
    store.enqueue("train", {})
    assert rows(store.path, "SELECT * FROM shoes_version") == [("a1",)]
    assert rows(store.path, "SELECT * FROM jobs_version") == [(tables.SCHEMA,)]


RELEASED = sorted(Path(__file__).with_name("released").glob("*.sql"))


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_a_database_of_each_released_schema_is_opened_with_all_its_jobs(
    tmp_path: Path, dump: Path
) -> None:
    path = tmp_path / "studio.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))

    store = Store(path)
    jobs = {job.name: job for job in store.jobs()}

    assert {name: job.state.value for name, job in jobs.items()} == {
        "Done one": "succeeded",
        "Failed one": "failed",
        "Cancelled one": "cancelled",
        "Running one": "running",
        "Waiting one": "queued",
        "Paused one": "paused",
    }
    assert jobs["Done one"].result == {"steps": 3}
    assert jobs["Running one"].slots == ("cpu:0",)
    assert [event.kind for event in store.events(2)] == ["enqueued", "claimed", "failed"]
    assert store.resume(jobs["Paused one"].id).priority == 3
    copy = tmp_path / f"studio.before-jobs_version-{dump.stem}.db"
    assert len(rows(copy, "SELECT * FROM jobs")) == 6


def test_every_schema_before_the_newest_has_its_database_here() -> None:
    revisions = {each.revision for each in ScriptDirectory(str(SCHEMA.folder)).walk_revisions()}

    assert {dump.stem for dump in RELEASED} == revisions - {tables.SCHEMA}
