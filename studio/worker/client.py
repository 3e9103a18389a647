"""Asking a worker: starts its process when needed, again when it died, and waits for the answer."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from pathlib import Path
from typing import Any

import studio
from studio.errors import StudioError
from studio.methods import Base
from studio.settings import Home
from studio.spec import TrainSpec
from studio.worker.protocol import Answer, Request, Role

# Starting takes seconds of import, on a busy machine many; an answer of a large model as well.
TIMEOUTS_S = {
    "describe": 180.0,
    "estimate": 240.0,
    "soon": 240.0,
    "preview": 180.0,
    "tokens": 240.0,
    "lengths": 240.0,
    "survey": 180.0,
    "trial": 240.0,
    "answer": 900.0,
}
_LARGEST_LOG_BYTES = 1_000_000
_PATIENCE_AT_STOP_S = 5.0


class WorkerGone(Exception):
    """The process ended before it answered."""


class Worker:
    """The one worker of a role in a data home, as one program sees it; may be used by several threads."""

    def __init__(self, home: Home, role: Role = "model") -> None:
        self._home = home
        self._role = role
        self._numbers = itertools.count(1)
        self._starting = threading.Lock()
        self._line: _Line | None = None

    def describe(self, source: str, revision: str | None = None) -> dict[str, Any]:
        """What the base model is: title, licence, parameters, bytes, layers, targets, whether prepared."""
        return self._ask("describe", {"source": source, "revision": revision})  # type: ignore[no-any-return]

    def estimate(
        self, spec: TrainSpec, *, memory_bytes: int | None = None, lane: str | None = None
    ) -> dict[str, Any]:
        """The JSON of the command `estimate`, judged against `memory_bytes` instead of the free memory.

        Of several waiting requests with the same `lane` (one a browser tab) only the last is
        answered; the others raise StudioError with the code `superseded`.
        """
        arguments = {"spec": spec.to_json(), "memory_bytes": memory_bytes}
        return self._ask("estimate", arguments, lane)  # type: ignore[no-any-return]

    def soon(self, spec: TrainSpec, *, lane: str | None = None) -> dict[str, Any]:
        """What of the estimate is there at once: all of it, or only the `parameters`.

        It comes before whatever takes long, and estimates asked in that lane earlier are dropped.
        """
        return self._ask("soon", {"spec": spec.to_json()}, lane, before="estimate")  # type: ignore[no-any-return]

    def preview(
        self, spec: TrainSpec, limit: int = 3, *, lane: str | None = None
    ) -> list[dict[str, Any]]:
        """The first rows as the model sees them: `[{"tokens": [{"text", "trained"}]}]`."""
        return self._ask("preview", {"spec": spec.to_json(), "limit": limit}, lane)  # type: ignore[no-any-return]

    def tokens(self, spec: TrainSpec, first: int, count: int) -> list[list[int]]:
        """Rows of a kept dataset in tokens: `[[all, trained, trained within the longest length]]`."""
        arguments = {"spec": spec.to_json(), "first": first, "count": count}
        return self._ask("tokens", arguments)  # type: ignore[no-any-return]

    def lengths(self, spec: TrainSpec, *, lane: str | None = None) -> dict[str, Any]:
        """How long the rows are in tokens and what the chosen length cuts; empty without data."""
        return self._ask("lengths", {"spec": spec.to_json()}, lane)  # type: ignore[no-any-return]

    def survey(self, spec: TrainSpec, *, lane: str | None = None) -> Base:
        """The base of a spec as methods see it, not held in few bits."""
        return Base.from_json(self._ask("survey", {"spec": spec.to_json()}, lane))

    def trial(self, spec: TrainSpec, *, lane: str | None = None) -> dict[str, Any]:
        """One real step on a few layers with random weights: `{"works", "words", "layers"}`.

        `works` is None where it could not be tried.
        """
        return self._ask("trial", {"spec": spec.to_json()}, lane)  # type: ignore[no-any-return]

    def answer(
        self, job_id: int, prompt: str, *, max_new_tokens: int = 256, others: Sequence[int] = ()
    ) -> dict[str, Any]:
        """`{"base", "tuned"}`: what the base and the finished run answer; labels with shares as well.

        With `others`, runs of the same base, what they answer: `"others": [{"run", "name", "text", "labels"}]`.
        """
        arguments = {"job_id": job_id, "prompt": prompt, "max_new_tokens": max_new_tokens}
        arguments |= {"others": list(others)} if others else {}
        return self._ask("answer", arguments)  # type: ignore[no-any-return]

    def stop(self) -> None:
        """End the process; the next request would start a new one."""
        with self._starting:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _ask(
        self,
        kind: str,
        arguments: dict[str, Any],
        lane: str | None = None,
        *,
        before: str | None = None,
    ) -> Any:
        """Ask, and once more where the worker died over it: all questions can be asked twice."""
        request = Request(next(self._numbers), kind, arguments, lane, before)
        for _ in range(2):
            line = self._running()
            try:
                return line.ask(request, TIMEOUTS_S[kind]).unpack()
            except WorkerGone:
                continue
            except TookTooLong as error:
                line.kill()
                raise StudioError(
                    f"The model worker did not answer within {TIMEOUTS_S[kind]:.0f} seconds and was "
                    "ended. Try again; if it happens again, the machine is too busy or the model too large.",
                    code="timeout",
                ) from error
        raise StudioError(
            "The model worker ended twice while it worked on this, mostly a sign of too little memory. "
            f"Its log: {self._log}",
            code="worker_died",
        )

    def _running(self) -> _Line:
        with self._starting:
            if self._line is None or not self._line.is_alive:
                self._line = _Line(self._start())
            return self._line

    def _start(self) -> subprocess.Popen[bytes]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > _LARGEST_LOG_BYTES:
            self._log.unlink()
        root = str(Path(studio.__file__).resolve().parent.parent)
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        with open(self._log, "ab") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "studio.worker.service"),
                    *("--role", self._role, "--home", str(self._home.folder)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    @property
    def _log(self) -> Path:
        return self._home.tmp / f"worker-{self._role}.log"


class _Line:
    """One running process with the questions that it has not answered yet."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._open: dict[int, Future[Answer]] = {}
        self._state = threading.Lock()
        self._has_ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._has_ended and self._process.poll() is None

    def ask(self, request: Request, timeout_s: float) -> Answer:
        """Send and wait. Raises WorkerGone, or TookTooLong."""
        future: Future[Answer] = Future()
        with self._state:
            if self._has_ended:
                raise WorkerGone
            self._open[request.id] = future
            try:
                assert self._process.stdin is not None
                self._process.stdin.write(request.to_line())
                self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise WorkerGone from error
        return future.result(timeout_s)

    def close(self) -> None:
        """Let the process end by itself, which it does once its input ends; else kill it."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(_PATIENCE_AT_STOP_S)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = Answer.from_line(line)
            with self._state:
                future = self._open.pop(answer.id, None)
            if future is not None:
                future.set_result(answer)
        self._process.wait()
        with self._state:
            self._has_ended = True
            left, self._open = self._open, {}
        for future in left.values():
            future.set_exception(WorkerGone())
