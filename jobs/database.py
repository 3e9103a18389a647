"""One SQLite file opened for short transactions: writers queue up, a busy file is told as such."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from jobs.errors import StoreBusy, StoreError, StoreFull

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# SQLite's own waiting looks again after up to 100 ms, so that a lock just freed lies idle while many
# wait for it, and whoever has waited longest looks least often.
_LOOK_AGAIN_S = 0.002
_LOOK_SELDOM_S = 0.02
_SELDOM_AFTER_S = 2.0


class Database:
    """A SQLite file with the rules that every package using it keeps.

    A writer takes the lock at its beginning (`BEGIN IMMEDIATE`): a transaction that begins by
    reading and then wants to write is refused at once, whatever the timeout. The rollback journal
    stays, since SQLite before 3.51.3 may corrupt a write-ahead log. It is emptied by overwriting its
    head, which is flushed: a journal that is deleted may be back after a power cut, and with it the
    state before a transaction that was acknowledged.
    """

    def __init__(self, path: Path, *, patience_s: float = 90.0) -> None:
        self.path = path
        self.patience_s = patience_s
        self._reader = create_engine(
            f"sqlite:///{path}",
            connect_args={"timeout": patience_s, "check_same_thread": False},
        )
        event.listen(self._reader, "connect", _set_up)
        event.listen(self._reader, "begin", self._begin)
        self._writer = self._reader.execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the file. Raises StoreBusy, StoreError."""
        with self._told_plainly(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the one write lock; all of it is kept, or nothing."""
        with self._told_plainly(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the pooled connections; the next transaction opens new ones."""
        self._reader.dispose()

    def _begin(self, connection: Connection) -> None:
        driver = connection.connection.dbapi_connection
        assert isinstance(driver, sqlite3.Connection)
        if connection.get_execution_options().get("writes"):
            self._take_the_lock(driver)
        else:
            driver.execute("BEGIN")

    def _take_the_lock(self, driver: sqlite3.Connection) -> None:
        """Begin as soon as nobody else writes; SQLite itself waits for readers when it commits."""
        began = time.monotonic()
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    driver.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    waited = time.monotonic() - began
                    if not _is_busy(error) or waited >= self.patience_s:
                        raise
                time.sleep(_LOOK_AGAIN_S if waited < _SELDOM_AFTER_S else _LOOK_SELDOM_S)
        finally:
            driver.execute(f"PRAGMA busy_timeout = {int(self.patience_s * 1000)}")

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            told = self._in_words(error.orig if isinstance(error, DBAPIError) else error)
            if told is None:
                raise
            raise told from error

    def _in_words(self, error: BaseException | None) -> StoreError | None:
        """The error as the queue tells it; None for what is a mistake of the calling code."""
        if not isinstance(error, sqlite3.Error) or isinstance(error, sqlite3.IntegrityError):
            return None
        code = _primary_code(error)
        if code in _BUSY:
            return StoreBusy(self.path)
        if code == sqlite3.SQLITE_FULL:
            return StoreFull(self.path)
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return StoreError(
                f"{self.path} is damaged or is not a database ({error}). "
                "Put a copy of it back, or choose another data folder."
            )
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}:
            return StoreError(
                f"The database {self.path} cannot be read or written ({error}). "
                "See that its folder is there, writable and on a local disk."
            )
        return None


def _is_busy(error: sqlite3.Error) -> bool:
    return _primary_code(error) in _BUSY


def _primary_code(error: sqlite3.Error) -> int:
    """The low byte of SQLite's code; the rest says more than is needed here."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _set_up(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions of its own: `_begin` does.
    connection.isolation_level = None
    for pragma in ("journal_mode = PERSIST", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
