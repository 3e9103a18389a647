"""A job's log and metrics, read from its run folder while it may still be writing them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

LOG = "log.txt"
METRICS = "metrics.jsonl"


def read_metrics(folder: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The whole lines of `metrics.jsonl` from byte `offset` on, and the offset to go on from.

    A line torn by a crash is left out. After a resume from a checkpoint the same step may come
    again: the later line is the one that counts.
    """
    content = _read(folder / METRICS, offset)
    whole = content[: content.rfind(b"\n") + 1]
    values = (_value(line) for line in whole.splitlines())
    return [value for value in values if value is not None], offset + len(whole)


def last_metrics(folder: Path) -> dict[str, Any] | None:
    """The newest whole line of `metrics.jsonl`; None before the first."""
    lines, _ = read_metrics(folder, max(0, _size(folder / METRICS) - 16_384))
    return lines[-1] if lines else None


def read_log(folder: Path, offset: int = 0, limit_bytes: int = 64_000) -> tuple[str, int]:
    """Text of `log.txt` from byte `offset` on, and the offset to go on from.

    A negative offset counts from the end: `read_log(folder, -20_000)` is the last part.
    """
    path = folder / LOG
    if offset < 0:
        offset = max(0, _size(path) + offset)
    content = _read(path, offset, limit_bytes)
    content = content[: _whole_characters(content)]
    return content.decode("utf-8", "replace"), offset + len(content)


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in the file at `path`; None where there is none that can be read."""
    try:
        return _value(path.read_bytes())
    except OSError:
        return None


def _read(path: Path, offset: int, limit_bytes: int = -1) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(limit_bytes)
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def _value(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _whole_characters(content: bytes) -> int:
    """How many bytes of `content` to take so that no UTF-8 character is cut at its end."""
    for back in range(1, min(4, len(content)) + 1):
        byte = content[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(content) - back if needed > back else len(content)
    return len(content)
