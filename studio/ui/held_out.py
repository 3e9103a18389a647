"""What a training tells of its held-out rows, in the words of its objective."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.models import Job
from studio.objectives import OBJECTIVES, Objective

# A wider table is no help to anybody; the result's file holds all of it.
MOST_LABELS = 12


def objective_of(job: Job) -> Objective | None:
    """What a training aims at; None for jobs of another kind."""
    spec = job.spec.get("spec") if isinstance(job.spec, Mapping) else None
    named = (spec or {}).get("objective")
    name = named.get("name") if isinstance(named, Mapping) else named
    return OBJECTIVES.get(str(name))


def figures(job: Job, found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of the shares that the objective counts."""
    objective = objective_of(job)
    if objective is None:
        return []
    return [
        (metric.title, f"{found[name]:.0%}")
        for name, metric in objective.metrics.items()
        if metric.is_share and isinstance(found.get(name), int | float)
    ]


def confusion_html(job: Job, found: Mapping[str, Any]) -> str:
    """How many held-out rows of each label were given which label; empty where that was not counted."""
    objective, table = objective_of(job), found.get("confusion")
    if objective is None or not isinstance(table, Mapping):
        return ""
    labels: Sequence[str] = table["labels"]
    if len(labels) > MOST_LABELS:
        return ""
    metric = objective.metrics["confusion"]
    head = "".join(f'<th scope="col">{html.escape(label)}</th>' for label in labels)
    lines = "".join(
        f'<tr><th scope="row">{html.escape(label)}</th>'
        + "".join(_cell(count, place == right) for place, count in enumerate(counts))
        + "</tr>"
        for right, (label, counts) in enumerate(zip(labels, table["rows"], strict=True))
    )
    return (
        f'<div class="confusion"><h3>{html.escape(metric.title)}</h3>'
        f'<p class="quiet">{html.escape(metric.words)}</p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(metric.title)}">'
        f'<table class="rows"><thead><tr><td></td>{head}</tr></thead><tbody>{lines}</tbody></table>'
        "</div></div>"
    )


def _cell(count: int, is_right: bool) -> str:
    name = "right" if is_right else "mixed" if count else "none"
    return f'<td class="{name}">{count}</td>'
