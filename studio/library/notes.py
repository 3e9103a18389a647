"""What a person says of a run: a note and a star."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from jobs.database import Database
from studio.library.tables import NOTES


@dataclass(frozen=True)
class Note:
    """A person's words on a run, and whether it is one of the good ones."""

    text: str = ""
    is_starred: bool = False


class Notes:
    """The notes of all runs, by the job's number."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> dict[int, Note]:
        """Every note there is."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(NOTES)).all()
        return {row.job_id: Note(row.text, bool(row.is_starred)) for row in rows}

    def of(self, job_id: int) -> Note:
        """The note of one run; an empty one where nothing was said."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(NOTES).where(NOTES.c.job_id == job_id)).first()
        return Note(row.text, bool(row.is_starred)) if row else Note()

    def write(self, job_id: int, text: str) -> None:
        """Keep these words in place of the earlier ones."""
        self._save(job_id, {"text": text})

    def star(self, job_id: int, is_starred: bool) -> None:
        """Give the run a star, or take it back."""
        self._save(job_id, {"is_starred": is_starred})

    def _save(self, job_id: int, values: dict[str, object]) -> None:
        new = {"text": "", "is_starred": False, **values, "updated_at": self._clock()}
        row = insert(NOTES).values(job_id=job_id, **new)
        changed = {**values, "updated_at": new["updated_at"]}
        with self._database.writing() as connection:
            connection.execute(
                row.on_conflict_do_update(index_elements=[NOTES.c.job_id], set_=changed)
            )
