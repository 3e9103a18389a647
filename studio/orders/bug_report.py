"""A bug report: what a programmer needs to know of a job, without its data, names, paths or secrets."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jobs.models import Event, Job
from jobs.progress import read_log
from studio import __version__
from studio.orders.views import LOG_BYTES, explain

LIBRARIES = ("torch", "transformers", "peft", "tokenizers", "safetensors", "datasets", "gradio")
MOST_LINES = 120
# Only lines of a form that this program or Python itself writes; anything else may quote the data.
_OWN = re.compile(
    r"^(Attempt \d+ on|Step \d+/\d+|Done: \d+ steps|Stopped after step \d+|The memory ran)"
)
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+), in (\S+)')
_ERROR = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Warning))(:.*)?$")


def bug_report(job: Job, folder: Path, events: Sequence[Event]) -> str:
    """The report as text, to be pasted anywhere."""
    card = explain(job, folder)
    log, _ = read_log(folder, -LOG_BYTES, LOG_BYTES)
    versions = ", ".join(filter(None, map(_version, LIBRARIES)))
    parts = [
        f"Whetstone {__version__}, {job.task}, state {job.state.value}, attempt {job.attempt}, "
        f"crashes {job.crashes}, owners lost {job.owners_lost}",
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {versions}",
        f"error {job.error_code or 'none'}" + (f", card {card.code}" if card else ""),
        "",
        *_settings(job.spec.get("spec") if job.task == "train" else None),
        *(f"{_seconds(event, events)} {event.kind} -> {event.state.value}" for event in events),
        "",
        *plain(log.splitlines())[-MOST_LINES:],
    ]
    return "\n".join(parts) + "\n"


def plain(lines: Iterable[str]) -> list[str]:
    """The lines that cannot hold data, each without what it may quote; paths from the package on."""
    kept = []
    for line in lines:
        if _OWN.match(line):
            kept.append(line)
        elif frame := _FRAME.match(line):
            kept.append(f"  {_inner_path(frame[1])}:{frame[2]} in {frame[3]}")
        elif error := _ERROR.match(line):
            kept.append(error[1])
    return kept


def _inner_path(path: str) -> str:
    """`peft/tuners/lora/layer.py`, `studio/tasks/train.py`: nothing of where it is installed."""
    parts = re.split(r"[/\\]", path)
    for start in ("site-packages", "studio", "jobs"):
        if start in parts[:-1]:
            place = len(parts) - 1 - parts[::-1].index(start)
            return "/".join(parts[place + (start == "site-packages") :])
    return parts[-1]


def _settings(spec: dict[str, Any] | None) -> list[str]:
    """Method, objective and training: numbers and choices, never text that a person typed."""
    if not spec:
        return []
    lines = []
    for section in ("objective", "method", "training"):
        values = spec.get(section) or {}
        plain_values = {
            name: value
            for name, value in values.items()
            if isinstance(value, bool | int | float) or name == "name" or _is_word(value)
        }
        said = ", ".join(f"{name} {value}" for name, value in plain_values.items())
        lines.append(f"{section}: {said}")
    return [*lines, ""]


def _is_word(value: Any) -> bool:
    """A choice such as `adamw` or `all-linear`, not a sentence."""
    return isinstance(value, str) and bool(re.fullmatch(r"[a-z][a-z0-9_-]{0,23}", value))


def _seconds(event: Event, events: Sequence[Event]) -> str:
    return f"+{event.at - events[0].at:.1f} s"


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
