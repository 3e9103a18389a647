"""A function called in a process of its own: it tells how far it is, can be stopped, and dies alone.

Pages call what reads or looks through all rows of a file: their own process stays quick and small, and
where the system ends the work for want of memory, only the work is gone.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

from jobs import programs
from jobs.errors import QueueError
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.data.progress import Progress

Value = TypeVar("Value")

# Libraries are imported once for many calls; a process that nobody needs gives its memory back.
IDLE_S = 300.0
_MOST_IDLE = 2
# Who is to stop may first take away what is half written.
_GRACE_S = 2.0
_LOOK_S = 0.2
_SAY_EVERY_S = 0.1
_PROGRAM = "studio.worker.apart"


class _Asked(NamedTuple):
    """What a process is to do. The function is one of a module's, found by its name."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: dict[str, Any]


class _Step(NamedTuple):
    share: float
    words: str


class _Value(NamedTuple):
    value: Any


class _Error(NamedTuple):
    error: StudioError


class _Left(BaseException):
    """Nobody waits for the answer any more; no function may take it for a failure of its own."""


class _Gone(Exception):
    """The process ended before it answered."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def call(
    function: Callable[..., Value],
    *arguments: Any,
    on_progress: Progress = lambda share, words: None,
    **named: Any,
) -> Value:
    """`function(*arguments, **named, on_progress=…)`, done by another process of this program.

    `on_progress` is called several times a second even while the function says nothing; what it raises
    ends that process at once. Raises the StudioErrors that the function raises; any other end of it is a
    StudioError of the code `crash`, or `process_gone` where the process was ended from outside.
    """
    asked = _Asked(function, arguments, named)
    while True:
        line = _taken()
        try:
            return line.ask(asked, on_progress)  # type: ignore[no-any-return]
        except _Gone as gone:
            if gone.exit_code == 0:
                continue  # it left, as nobody had asked for long, just when this came
            raise StudioError(_gone(gone.exit_code), code="process_gone") from gone


class _Line:
    """One process, and what it says."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            programs.command(_PROGRAM),
            env=programs.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, asked: _Asked, on_progress: Progress) -> Any:
        """Ask and wait. Raises _Gone, StudioError, and what `on_progress` raises."""
        is_whole = False
        step = _Step(0.0, "")
        try:
            with suppress(OSError):  # it is gone, which is told below
                assert self.process.stdin is not None
                self.process.stdin.write(pickle.dumps(asked))
                self.process.stdin.flush()
            while True:
                try:
                    said = self._said.get(timeout=_LOOK_S)
                except queue.Empty:
                    said = step
                if isinstance(said, _Step):
                    step = said
                    on_progress(*step)
                    continue
                if isinstance(said, _Gone):
                    raise said
                is_whole = True
                if isinstance(said, _Error):
                    raise said.error
                return said.value
        finally:
            if is_whole:
                _given_back(self)
            else:
                self.leave()

    def leave(self) -> None:
        """Let the process end, which it does once its input has; else it is killed."""
        with suppress(OSError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        threading.Thread(target=self._see_off).start()

    def _see_off(self) -> None:
        try:
            self.process.wait(2 * _GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                self._said.put(pickle.load(self.process.stdout))  # noqa: S301 - our own process said it
        self._said.put(_Gone(self.process.wait()))


_idle: list[_Line] = []
_idle_changes = threading.Lock()


def _taken() -> _Line:
    """A process that waits for work, else a new one."""
    with _idle_changes:
        while _idle:
            line = _idle.pop()
            if line.process.poll() is None:
                return line
    return _Line()


def _given_back(line: _Line) -> None:
    with _idle_changes:
        if len(_idle) < _MOST_IDLE:
            _idle.append(line)
            return
    line.leave()


def _gone(exit_code: int) -> str:
    if exit_code < 0:
        how = "was ended from outside, mostly because the memory of this computer ran out"
    else:
        how = f"ended by itself (exit code {exit_code})"
    return (
        f"The process that worked on your rows {how}. Your file and everything that was kept are as they "
        "were. Try again; if it happens again, close other programs or take fewer rows."
    )


# The other side.


def main() -> None:
    """Do what is asked on standard input until that ends, or until nobody has asked for a while."""
    own = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not come between the answers.
    os.dup2(2, 1)
    waiting: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(waiting,), daemon=True).start()
    with suppress(queue.Empty, _Left, OSError):
        while (asked := waiting.get(timeout=IDLE_S)) is not None:
            _say(own, _done(asked, own))
    # An orderly end would wait for the reading thread, which waits for what may never come.
    os._exit(0)


_is_left = threading.Event()


def _read(waiting: queue.SimpleQueue[_Asked | None]) -> None:
    """Hand over what is asked until nobody waits any more; then end, even in the middle of the work."""
    with suppress(EOFError, OSError):
        while True:
            waiting.put(pickle.load(sys.stdin.buffer))  # noqa: S301 - the program that started this one
    _is_left.set()
    waiting.put(None)
    time.sleep(_GRACE_S)
    os._exit(0)


def _done(asked: _Asked, own: BinaryIO) -> _Value | _Error:
    said_at = 0.0

    def on_progress(share: float, words: str) -> None:
        nonlocal said_at
        if _is_left.is_set():
            raise _Left
        if time.monotonic() - said_at >= _SAY_EVERY_S:
            said_at = time.monotonic()
            _say(own, _Step(share, words))

    try:
        return _Value(asked.function(*asked.arguments, **asked.named, on_progress=on_progress))
    except StudioError as error:
        return _Error(error)
    except QueueError as error:
        return _Error(StudioError(error.words, code=error.code))
    except MemoryError:
        words = (
            "The memory of this computer is not enough for this. Close other programs and try again, "
            "or take fewer rows."
        )
        return _Error(StudioError(words, code="memory"))
    except Exception as error:  # noqa: BLE001 - the edge of the process: told in words where it was asked
        traceback.print_exc()
        words = f"This met an error that is not known: {type(error).__name__}: {error}."
        return _Error(StudioError(words, code="crash"))


def _say(own: BinaryIO, said: _Step | _Value | _Error) -> None:
    own.write(pickle.dumps(said))
    own.flush()


if __name__ == "__main__":
    # Under its own name, so that both sides mean the same classes.
    from studio.worker import apart

    apart.main()
