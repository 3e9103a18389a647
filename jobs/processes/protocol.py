"""What the queue asks of an operating system; one module a platform answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Protocol


class Platform(Protocol):
    """The functions that `linux`, `macos` and `windows` each have."""

    def start_time(self, pid: int) -> float | None:
        """When the process began, by a count that never shifts; None for none or a dead one."""

    def boot_id(self) -> str:
        """A name for the time since the machine started."""

    def start_detached(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
    ) -> Popen[bytes]:
        """Start a process that outlives this one; what it says is appended to `log`."""

    def start_child(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
    ) -> Popen[bytes]:
        """Start a process that must not outlive this one, deaf to this one's terminal."""

    def adopt_orphans(self) -> None:
        """Become the parent of descendants whose own parent dies, where the system can."""

    def die_with_parent(self, parent_pid: int) -> None:
        """Called first thing in a child: end at once when process `parent_pid` ends."""

    def ask_to_stop(self, pid: int, folder: Path) -> None:
        """Ask the task process `pid`, whose run folder is `folder`, to save and stop."""

    def on_stop_asked(self, folder: Path, stop: Callable[[], None]) -> None:
        """Have `stop` called when this process is asked to stop."""

    def killed_by(self, return_code: int) -> str | None:
        """The signal's name where a process that ended so was killed, else None."""

    def keep_awake(self) -> None:
        """Keep the machine from falling asleep as long as this process lives, where it lets us."""

    def yield_to_others(self) -> None:
        """Lower this process's priority below that of pages and the model worker."""
