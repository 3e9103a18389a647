"""The worker process: reads requests from standard input, answers one after another, ends with its parent."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from studio import libraries
from studio.errors import StudioError
from studio.settings import Home
from studio.worker.protocol import Answer, Request
from studio.worker.waiting import Waiting

if TYPE_CHECKING:
    from studio.worker.bench import Bench
    from studio.worker.kinds import Kind

# A worker gives its memory back when nobody asks any more; a chat worker holds a whole model.
IDLE_S = {"model": 600.0, "chat": 300.0}


class Channel:
    """Where answers go; two threads write to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writing = threading.Lock()

    def send(self, answer: Answer) -> None:
        """Write one answer at once."""
        with self._writing:
            self._file.write(answer.to_line())
            self._file.flush()


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends, or until nobody has asked for a while."""
    libraries.settle()
    parser = argparse.ArgumentParser(prog="python -m studio.worker.service")
    parser.add_argument("--role", choices=("model", "chat"), required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--idle-s", type=float, default=None)
    options = parser.parse_args(arguments)
    idle_s = options.idle_s or IDLE_S[options.role]
    channel = Channel(own_output())
    waiting = Waiting()
    # The thread begins before torch is imported: the parent's death must be noticed then, too.
    threading.Thread(target=_read, args=(waiting, channel), daemon=True).start()
    _serve(Home(options.home), options.role, waiting, channel, idle_s)
    # An orderly end would wait for the reading thread, which waits for a line that may never come.
    os._exit(0)


def own_output() -> BinaryIO:
    """Standard output for answers alone: whatever a library prints goes to standard error, the log."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def _read(waiting: Waiting, channel: Channel) -> None:
    """Hand requests over until the parent is gone; then end, even in the middle of a calculation."""
    for line in sys.stdin.buffer:
        try:
            request = Request.from_line(line)
        except (ValueError, TypeError) as error:
            print(f"A line that is no request was passed over: {error}", file=sys.stderr)
            continue
        for old in waiting.put(request):
            channel.send(Answer.of_error(old.id, _superseded()))
    os._exit(0)


def _serve(home: Home, role: str, waiting: Waiting, channel: Channel, idle_s: float) -> None:
    # These imports take seconds, and reading must have begun by then.
    with libraries.importing():
        from studio.estimator.overhead import idle_bytes
        from studio.worker.bench import Bench
        from studio.worker.kinds import KINDS

    bench = Bench(home, idle_bytes())
    kinds = {name: kind for name, kind in KINDS.items() if kind.role == role}
    while request := _next(waiting, idle_s):
        kind = kinds.get(request.kind)
        if kind is None:
            words = f"A {role} worker does not answer '{request.kind}', only {', '.join(kinds)}."
            channel.send(Answer.of_error(request.id, StudioError(words, code="unknown_kind")))
            continue
        channel.send(_answered(request, kind, bench, waiting.wanted))


def _next(waiting: Waiting, idle_s: float) -> Request | None:
    """The next request; until it comes, surfaces are made for what was asked last."""
    from studio.estimator.live import NotWanted
    from studio.estimator.memory import still_wanted
    from studio.estimator.surfaces import SURFACES

    while waiting.is_empty() and SURFACES.has_work:
        wanted = still_wanted.set(waiting.is_empty)
        with contextlib.suppress(NotWanted):
            SURFACES.work()
        still_wanted.reset(wanted)
    return waiting.take(idle_s)


def _answered(request: Request, kind: Kind, bench: Bench, wanted: Callable[[], bool]) -> Answer:
    from studio.estimator.live import NotWanted
    from studio.estimator.memory import still_wanted

    asked = still_wanted.set(wanted)
    try:
        return Answer(request.id, kind.answer(bench, **request.arguments))
    except NotWanted:
        return Answer.of_error(request.id, _superseded())
    except StudioError as error:
        return Answer.of_error(request.id, error)
    except Exception as error:  # noqa: BLE001 - the edge of the process: the next question is answered
        traceback.print_exc()
        return Answer.of_error(request.id, _crashed(error))
    finally:
        still_wanted.reset(asked)


def _superseded() -> StudioError:
    return StudioError("A newer request took this one's place.", code="superseded")


def _crashed(error: Exception) -> StudioError:
    return StudioError(
        f"The model worker met an error it does not know: {type(error).__name__}: {error}. "
        "Its log (tmp/worker-*.log in the data folder) has the details.",
        code="crash",
    )


if __name__ == "__main__":
    main()
