"""The protocol between a worker and those who ask it: one JSON line a request, one an answer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from studio.errors import AskedWrongly, FieldProblem, StudioError

Role = Literal["model", "chat"]


@dataclass(frozen=True)
class Request:
    """A question. Of those that wait in one `lane` only the latest of a kind is answered.

    One that is answered soon names the kind that it comes `before`: it is taken first, and of that kind
    what was asked earlier in its lane is dropped.
    """

    id: int
    kind: str
    arguments: dict[str, Any]
    lane: str | None = None
    before: str | None = None

    def to_line(self) -> bytes:
        """The request on the wire."""
        return _line(asdict(self))

    @classmethod
    def from_line(cls, line: bytes) -> Request:
        """The request in a line. Raises ValueError or TypeError when it is none."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Answer:
    """The answer to the request of that id: a `result`, or an `error` as every command prints it."""

    id: int
    result: Any = None
    error: dict[str, Any] | None = None
    exit_code: int = 0

    def to_line(self) -> bytes:
        """The answer on the wire."""
        return _line(asdict(self))

    @classmethod
    def from_line(cls, line: bytes) -> Answer:
        """The answer in a line. Raises ValueError or TypeError when it is none."""
        return cls(**json.loads(line))

    @classmethod
    def of_error(cls, request_id: int, error: StudioError) -> Answer:
        """An error as an answer."""
        return cls(request_id, error=error.as_json()["error"], exit_code=error.exit_code)

    def unpack(self) -> Any:
        """The result. Raises the error that the worker met, with its code, words and fields."""
        if self.error is None:
            return self.result
        kind = AskedWrongly if self.exit_code == AskedWrongly.exit_code else StudioError
        fields = [FieldProblem(**problem) for problem in self.error["fields"]]
        raise kind(self.error["words"], code=self.error["code"], fields=fields)


def _line(document: dict[str, Any]) -> bytes:
    return (
        json.dumps(
            document,
        ).encode()
        + b"\n"
    )
