"""Chosen runs side by side: their curves in one drawing, their settings in one table."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.models import Job
from studio.ui import run_words
from studio.ui.curve import RUN_COLOURS, overlaid
from studio.ui.job_list import pill
from studio.ui.run_detail import Metrics, newest

MOST = RUN_COLOURS
FIGURES = {
    "loss": "Loss",
    "held_out_loss": "Loss on rows held out",
    "tokens_per_second": "Tokens a second",
}
# What differs between any two runs and says nothing of how they were trained.
_OWN = {"name", "version"}


def comparison_html(runs: Sequence[tuple[Job, Metrics]]) -> str:
    """Curves and settings of these runs, differences marked; empty for fewer than two."""
    if len(runs) < 2:
        return ""
    curves = [(run_words.name(job), metrics) for job, metrics in runs]
    held_out = overlaid(curves, "held_out_loss")
    return (
        '<div class="job-title"><h2>Compared</h2><a class="button" href="/jobs">Close</a></div>'
        f"<h3>Loss on rows it learns from</h3>{overlaid(curves, 'loss')}"
        + (f"<h3>Loss on rows held out</h3>{held_out}" if held_out else "")
        + _table(runs)
    )


def _table(runs: Sequence[tuple[Job, Metrics]]) -> str:
    head = "".join(
        f'<th scope="col"><span class="key run-{place}"></span>{html.escape(run_words.name(job))}</th>'
        for place, (job, _) in enumerate(runs)
    )
    rows = [
        "".join(
            [
                '<tr><th scope="row">State</th>',
                *(f"<td>{pill(job)}</td>" for job, _ in runs),
                "</tr>",
            ]
        )
    ]
    for name, title in FIGURES.items():
        values = [newest(metrics, name) for _, metrics in runs]
        if any(value is not None for value in values):
            rows.append(_row(title, ["" if each is None else f"{each:,.4g}" for each in values]))
    specs = [settings(job.spec.get("spec") or {}) for job, _ in runs]
    names = sorted({name for spec in specs for name in spec})
    rows += sorted(
        (_row(name, [spec.get(name, "") for spec in specs]) for name in names),
        key=lambda row: "differs" not in row,
    )
    return (
        f'<div class="scroll"><table class="rows compared"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _row(name: str, values: Sequence[str]) -> str:
    differs = ' class="differs"' if len(set(values)) > 1 else ""
    cells = "".join(f"<td>{html.escape(value)}</td>" for value in values)
    return f'<tr{differs}><th scope="row">{html.escape(name)}</th>{cells}</tr>'


def settings(spec: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """A spec's fields by their dotted names, as words."""
    found: dict[str, str] = {}
    for name, value in spec.items():
        if not before and name in _OWN:
            continue
        if isinstance(value, Mapping):
            found |= settings(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = "" if value is None else str(value)
    return found
