"""Residuals: what was predicted of each finished run, beside what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from jobs.database import Database
from studio.library.tables import RESIDUALS

# Older ones were made by other versions of the program, of its libraries, of the machine's drivers.
NEWEST = 40


@dataclass(frozen=True)
class Residual:
    """One finished run: bytes at the peak and seconds, as computed before it and as measured.

    On the CPU the seconds are the processor's, of the whole run; on a GPU by the clock, of its steps.
    A pair that cannot be compared (memory that ran out, a run without a forecast) is left empty.
    """

    job_id: int
    machine: str
    precision: str
    base: str
    method: str
    predicted_bytes: int | None
    measured_bytes: int | None
    predicted_seconds: float | None
    measured_seconds: float | None


class Residuals:
    """The residuals of a home's runs."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def keep(self, residual: Residual) -> None:
        """Write a run's residual down, in place of an earlier one of the same job."""
        values = {**asdict(residual), "ended_at": self._clock()}
        new = insert(RESIDUALS).values(values)
        new = new.on_conflict_do_update(
            index_elements=[RESIDUALS.c.job_id],
            set_={name: new.excluded[name] for name in values if name != "job_id"},
        )
        with self._database.writing() as connection:
            connection.execute(new)

    def of_machine(self, machine: str) -> list[Residual]:
        """The newest of one device, the latest first."""
        chosen = sa.select(RESIDUALS).where(RESIDUALS.c.machine == machine)
        chosen = chosen.order_by(RESIDUALS.c.ended_at.desc(), RESIDUALS.c.job_id.desc())
        with self._database.reading() as connection:
            rows = connection.execute(chosen.limit(NEWEST)).mappings().all()
        return [
            Residual(**{name: value for name, value in row.items() if name != "ended_at"})
            for row in rows
        ]
