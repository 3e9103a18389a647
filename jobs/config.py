"""Where a queue lies and how it keeps time: what its programs are told when they are started."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Timing:
    """How often the queue's programs look, and how long they wait; seconds."""

    poll_s: float = 0.5
    """Between two looks at the queue (dispatcher) or at a person's wish (runner)."""
    beat_s: float = 10.0
    """Between two renewals of a runner's lease."""
    lease_s: float = 60.0
    """A runner that lets its lease stand for this long hangs, and is ended."""
    grace_s: float = 3.5
    """From asking a cancelled task to stop until it is killed with all that it started."""
    linger_s: float = 30.0
    """A dispatcher with nothing to do leaves after this."""


@dataclass(frozen=True)
class QueueConfig:
    """A queue: its database, its run folders, and two names to import when they are needed.

    `tasks` (`module:NAME`) is a mapping of task names to tasks, imported by task processes only;
    `devices` (`module:function`) returns this machine's slots and is imported by the dispatcher.
    """

    database: Path
    runs: Path
    tasks: str
    devices: str
    timing: Timing = field(default_factory=Timing)

    def folder(self, job_id: int) -> Path:
        """The run folder of a job."""
        return self.runs / str(job_id)

    @property
    def lock_file(self) -> Path:
        """Held by the one dispatcher of this database; the system frees it when that one ends."""
        return self.database.with_name(f"{self.database.name}.dispatcher.lock")

    @property
    def dispatcher_file(self) -> Path:
        """Tells which process the dispatcher is."""
        return self.database.with_name(f"{self.database.name}.dispatcher.json")

    @property
    def dispatcher_log(self) -> Path:
        """What the dispatcher has to say."""
        return self.database.with_name("dispatcher.log")

    def to_text(self) -> str:
        """The config as one argument of a command line."""
        value = asdict(self)
        return json.dumps({**value, "database": str(self.database), "runs": str(self.runs)})

    @classmethod
    def from_text(cls, text: str) -> QueueConfig:
        """The config that `to_text` wrote."""
        value: dict[str, Any] = json.loads(text)
        return cls(
            database=Path(value["database"]),
            runs=Path(value["runs"]),
            tasks=value["tasks"],
            devices=value["devices"],
            timing=Timing(**value["timing"]),
        )
