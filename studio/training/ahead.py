"""Encoding ahead: a thread encodes rows while the model is loaded and trained; any row can be had at once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import overload

from studio.objectives import Encoded
from studio.training.packed_rows import PackedRows

CHUNK = 128
"""Rows encoded at a time: few enough not to be waited for, enough for the tokenizer to be quick."""

# Python hands its one lock over after this long. The usual 5 ms, at each of a step's thousand calls of
# torch, would slow the step down; so would a thread that never rests.
_SWITCH_S = 0.0005
_REST_S = 0.0005

Watch = Callable[[int, Sequence[Encoded]], None]


class Ahead(Sequence[Encoded]):
    """Rows in the order of their examples; what they are does not depend on when they are asked for.

    `make(begin, end)` encodes those of some places; `known` are all of them, where they were encoded
    before. `keep` is given all rows that were not, once they are there, and gives those to go on with;
    `at_end` comes last. Whatever goes wrong is raised where a row is wanted next.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[int, int], list[Encoded]],
        known: PackedRows | None = None,
        keep: Callable[[PackedRows], PackedRows] = lambda rows: rows,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._count = count
        self._make = make
        self._known = known
        self._keep = keep
        self._at_end = at_end
        self._chunks: list[PackedRows | None] = [None] * -(-count // CHUNK)
        self._watches: list[Watch] = []
        self._encoding = threading.Lock()
        self._seen = 0
        self._failure: Exception | None = None
        self._gives_way = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="encoding", daemon=True)

    def start(self) -> None:
        """Begin to encode, from the first row on."""
        self._thread.start()

    def give_way(self) -> None:
        """From now on rest as long as it works: training has begun, and needs the processor more."""
        self._gives_way = True

    @property
    def is_done(self) -> bool:
        """Whether every row is encoded and was looked at, or something went wrong."""
        return self._done.is_set()

    def wait(self) -> None:
        """Come back once every row is encoded. Raises what went wrong."""
        self._gives_way = False
        self._done.wait()
        self._raise_failure()

    def watch(self, look: Watch) -> None:
        """Let `look(place, rows)` see all rows in their order, those that are encoded already first.

        What it raises is raised here, or later where a row is wanted.
        """
        with self._encoding:
            for begin in range(0, self._seen, CHUNK):
                look(begin, self._rows(begin, min(begin + CHUNK, self._seen)))
            self._watches.append(look)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Encoded: ...
    @overload
    def __getitem__(self, place: slice) -> list[Encoded]: ...
    def __getitem__(self, place: int | slice) -> Encoded | list[Encoded]:
        """A row; encoded now, where the thread has not come to it yet."""
        if isinstance(place, slice):
            return [self[each] for each in range(self._count)[place]]
        place = range(self._count)[place]
        self._raise_failure()
        # Taken first: they are let go of once all rows are known.
        chunks = self._chunks
        if self._known is not None:
            return self._known[place]
        chunk = chunks[place // CHUNK]
        if chunk is not None:
            return chunk[place % CHUNK]
        # By itself, and once more with its chunk later: what a step waits for should be short. Alone,
        # for tokenizers do not bear two threads.
        with self._encoding:
            return self._make(place, place + 1)[0]

    def _run(self) -> None:
        before = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            for number in range(len(self._chunks)):
                began = time.monotonic()
                with self._encoding:
                    self._see(number)
                # At least a moment: a lock is not fair, whoever waits for a row would wait for all.
                time.sleep(time.monotonic() - began if self._gives_way else _REST_S)
            if self._known is None and self._chunks:
                self._known = self._keep(
                    PackedRows.joined([chunk for chunk in self._chunks if chunk is not None])
                )
                self._chunks = []
            self._at_end()
        except Exception as error:  # noqa: BLE001 - handed to whoever wants a row
            self._failure = error
        finally:
            sys.setswitchinterval(before)
            self._done.set()

    def _see(self, number: int) -> None:
        """Encode a chunk, and show it to those who watch."""
        begin, end = number * CHUNK, min((number + 1) * CHUNK, self._count)
        if self._known is None:
            rows = self._make(begin, end)
            self._chunks[number] = PackedRows.of(rows)
        else:
            rows = self._rows(begin, end) if self._watches else []
        for look in self._watches:
            look(begin, rows)
        self._seen = end

    def _rows(self, begin: int, end: int) -> list[Encoded]:
        if self._known is not None:
            return self._known[begin:end]
        chunk = self._chunks[begin // CHUNK]
        assert chunk is not None, "what was seen is encoded"
        return chunk[: end - begin]

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
