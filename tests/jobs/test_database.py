"""One SQLite file, its rules and its errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from jobs.database import Database
from jobs.errors import StoreBusy, StoreError, StoreFull


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A file with one table."""
    database = Database(tmp_path / "a.db", patience_s=0.1)
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (words TEXT NOT NULL)")
    return database


def count(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.exec_driver_sql("SELECT * FROM notes").all())


def write(database: Database, *statements: str) -> None:
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "persist"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_the_rules_hold_on_every_connection(database: Database, pragma: str, value: object) -> None:
    with database.reading() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    with pytest.raises(Exception, match="no such table"):
        write(database, "INSERT INTO notes VALUES ('a')", "INSERT INTO nowhere VALUES (1)")
    assert count(database) == 0


def test_readers_see_the_old_state_while_a_writer_works(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO notes VALUES ('a')")
        assert count(database) == 0
    assert count(database) == 1


def test_a_second_writer_waits_and_is_then_told_that_the_file_is_busy(database: Database) -> None:
    with database.writing(), pytest.raises(StoreBusy, match="busy"), database.writing():
        pass


def test_a_file_that_is_no_database_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("This is a shopping list. " * 99)
    with pytest.raises(StoreError, match="damaged or is not a database"):
        count(Database(tmp_path / "a.db"))


def test_a_folder_that_is_gone_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read or written"):
        count(Database(tmp_path / "gone" / "a.db"))


def test_a_full_disk_is_told_in_words_and_changes_nothing(database: Database) -> None:
    with pytest.raises(StoreFull, match="is full"):
        write(database, "PRAGMA max_page_count = 3", "INSERT INTO notes VALUES (zeroblob(99999))")
    assert count(database) == 0


def test_a_broken_rule_is_a_mistake_of_the_caller_not_of_the_store(database: Database) -> None:
    with pytest.raises(Exception, match="NOT NULL") as raised:
        write(database, "INSERT INTO notes VALUES (NULL)")
    assert isinstance(raised.value.__cause__, sqlite3.IntegrityError)
