"""Forecast and outcome: what was predicted of a run beside what was measured, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.models import Job
from studio.ui import words

Metrics = Sequence[Mapping[str, Any]]
# A difference smaller than this is none to a person.
_AS_PREDICTED = 0.05


@dataclass(frozen=True)
class _Row:
    """One thing that was predicted: in words before and after, and how the two compare."""

    title: str
    before: str
    after: str
    compared: str


def forecast_html(job: Job, metrics: Metrics) -> str:
    """A small table: memory and time, before and after; nothing where nothing was predicted."""
    predicted = job.spec.get("predicted") or {}
    rows = [row for row in (_memory(job, predicted, metrics), _time(job, predicted)) if row]
    if not rows:
        return ""
    is_over = job.state.is_ended
    body = "".join(
        f'<tr><th scope="row">{row.title}</th><td>{row.before}</td><td>{row.after}</td>'
        f"<td>{row.compared}</td></tr>"
        for row in rows
    )
    after = "As it was" if is_over else "Until now"
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("", "Predicted", after, "Difference")
    )
    return (
        '<section class="forecast" aria-label="Predicted and measured"><h3>Predicted and measured</h3>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        f"{_busy_words(job)}</section>"
    )


def _memory(job: Job, predicted: Mapping[str, Any], metrics: Metrics) -> _Row | None:
    memory = predicted.get("memory") or {}
    expected = memory.get("peak_bytes")
    measured = ((job.result or {}).get("measured") or {}).get("peak_bytes")
    if measured is None:
        measured = max(
            (line["memory_bytes"] for line in metrics if line.get("memory_bytes")), default=None
        )
    if not expected:
        return None
    ends = memory.get("low_bytes"), memory.get("high_bytes")
    span = _span(words.size, expected, *ends)
    compared = _compared(measured, expected, *ends) if measured and job.state.is_ended else ""
    return _Row("Most memory held", span, words.size(measured) if measured else "", compared)


def _time(job: Job, predicted: Mapping[str, Any]) -> _Row | None:
    time_ = predicted.get("time") or {}
    expected = time_.get("seconds")
    if not expected:
        return None
    result = (job.result or {}).get("measured") or {}
    measured = result.get("whole_seconds") or result.get("seconds")
    ends = time_.get("low"), time_.get("high")
    span = _span(words.duration, expected, *ends)
    compared = _compared(measured, expected, *ends) if measured else ""
    return _Row("Time", span, words.duration(measured) if measured else "", compared)


def _span(say: Any, expected: float, low: Any, high: Any) -> str:
    """`about 6 minutes (4 to 9)`: the likeliest, then the range, where it says more."""
    said = f"about {say(expected)}"
    ends = (say(low), say(high)) if low and high else ("", "")
    if ends[0] == ends[1]:
        return said
    return f'{said} <span class="quiet">({ends[0]} to {ends[1]})</span>'


def _compared(measured: float, expected: float, low: Any, high: Any) -> str:
    """`6 % more, within the range`."""
    if abs(measured / expected - 1) < _AS_PREDICTED:
        return "as predicted"
    said = words.apart(measured, expected)
    if not low or not high:
        return said
    return f"{said}, {'within the range' if low <= measured <= high else 'outside the range'}"


def _busy_words(job: Job) -> str:
    """How much of the time the computer really gave to it, where that explains a late end."""
    measured = (job.result or {}).get("measured") or {}
    cpu, whole = measured.get("cpu_seconds"), measured.get("whole_seconds")
    computed = ((job.spec.get("predicted") or {}).get("time") or {}).get("cpu_seconds")
    if not cpu or not whole or not computed:
        return ""
    said = f"It computed for {words.duration(cpu)} of processor time, predicted were {words.duration(computed)}"
    late = " The rest of the time other programs had the processor." if whole > 1.5 * cpu else ""
    return f'<p class="quiet">{said} ({words.apart(cpu, computed)}).{late}</p>'
