"""Work in a thread of its own while the page shows how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from studio.data.progress import Progress

Value = TypeVar("Value")

# Work that is done sooner shows no progress at all: a bar that flashes up says nothing.
SOON_S = 0.4
EVERY_S = 0.4


class Step(NamedTuple):
    """How far the work is: the share done (0 to 1), and with what it is busy."""

    share: float
    words: str


class Abandoned(Exception):
    """Nobody waits for this work any more, or a person stopped it."""


class Work(Generic[Value]):
    """`make(on_progress)` in a thread; `steps` tells how far it is until `value` is there.

    Several may wait for it: it is abandoned once none of them does, unless it `goes_on` even then.
    """

    def __init__(self, make: Callable[[Progress], Value], *, goes_on: bool = False) -> None:
        self._make = make
        self._goes_on = goes_on
        self._step = Step(0.0, "")
        self._is_abandoned = False
        self._waiting = 0
        self._changes = threading.Lock()
        self._value: Any = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def steps(self) -> Iterator[Step]:
        """A step now and then while the work goes on; who ends this early does not wait for it any more."""
        with self._changes:
            self._waiting += 1
        try:
            wait_s = SOON_S
            while not self._done.wait(wait_s):
                yield self._step
                wait_s = EVERY_S
        finally:
            with self._changes:
                self._waiting -= 1
                if not (self._waiting or self._goes_on):
                    self._is_abandoned = True

    @property
    def is_abandoned(self) -> bool:
        """Whether it was stopped, or nobody waits for it any more."""
        return self._is_abandoned

    def stop(self) -> None:
        """End the work as soon as it says how far it is; `value` then raises Abandoned."""
        self._is_abandoned = True

    def value(self) -> Value:
        """What came of it. Raises what the work raised; Abandoned where it was stopped."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        value: Value = self._value
        return value

    def _run(self) -> None:
        try:
            self._value = self._make(self._progress)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self._done.set()

    def _progress(self, share: float, words: str) -> None:
        if self._is_abandoned:
            raise Abandoned
        self._step = Step(share, words)
        # The page's other threads come first: this one holds the interpreter most of the time.
        time.sleep(0.001)


class Works:
    """The newest work of each window, which the window's Stop means until it is over."""

    def __init__(self) -> None:
        self._going: dict[str, Work[Any]] = {}

    def steps(self, window: str, work: Work[Any]) -> Iterator[Step]:
        """The steps of `work`, the newest of its window from now on."""
        self._going[window] = work
        try:
            yield from work.steps()
        finally:
            if self._going.get(window) is work:
                del self._going[window]

    def stop(self, window: str) -> bool:
        """End what is being done for a window; False where that is nothing."""
        work = self._going.get(window)
        if work is not None:
            work.stop()
        return work is not None
