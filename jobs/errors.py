"""The queue's errors: what was found and what to do next, in plain words."""

from __future__ import annotations

from pathlib import Path


class QueueError(Exception):
    """Something the queue could not do; `words` is for a person, `code` for a program."""

    code = "queue"

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class NoSuchJob(QueueError):
    """A job number that is not in the queue."""

    code = "no_such_job"

    def __init__(self, job_id: int) -> None:
        super().__init__(f"There is no job {job_id}. The list of jobs shows which there are.")


class WrongState(QueueError):
    """A verb that does not go with the job's present state; `words` name the one that does."""

    code = "wrong_state"


class BadJob(QueueError):
    """A job that cannot be enqueued as it was given."""

    code = "bad_job"


class LeaseLost(QueueError):
    """The writer no longer owns the job: its lease was taken away, so nothing was changed."""

    code = "lease_lost"

    def __init__(self, job_id: int) -> None:
        super().__init__(f"Job {job_id} is not held by this runner any more; nothing was changed.")


class StoreError(QueueError):
    """The database file could not be used."""

    code = "store"


class StoreBusy(StoreError):
    """Another process kept the database locked for longer than this caller waits."""

    code = "store_busy"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The database {path} is busy: another program is writing to it. Try again in a moment."
        )


class StoreFull(StoreError):
    """There was no disk space for a change; the database is as it was before."""

    code = "disk_full"

    def __init__(self, path: Path) -> None:
        super().__init__(f"The disk that holds {path} is full. Make some room, then try again.")


class NewerDatabase(StoreError):
    """The database was written by a newer version of the program."""

    code = "newer_database"

    def __init__(self, path: Path, found: str, known: str) -> None:
        super().__init__(
            f"The database {path} was written by a newer version of this program (schema {found}; "
            f"this version knows up to {known}). Start the newer version, or choose another "
            "data folder. Nothing was changed."
        )
