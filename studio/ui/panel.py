"""The panel below the form: the parts of the memory as a stacked bar against the device's, disk, and words."""

from __future__ import annotations

import html
import itertools
from collections.abc import Mapping
from typing import Any

from studio.formats import FORMATS
from studio.ui import words
from studio.worker.explaining import dominates, title_of

_answers = itertools.count(1)


def panel_html(estimate: Mapping[str, Any] | None) -> str:
    """The panel for an estimate in the contract's form; empty where there is none.

    No two answers are alike, for the page to notice that equal figures are new ones.
    """
    memory = (estimate or {}).get("memory") or {}
    if not memory.get("parts"):
        return ""
    assert estimate is not None
    verdict = estimate.get("verdict") or {}
    said = html.escape(dominates(memory))
    return (
        f'<h2 data-answer="{next(_answers)}">What it takes</h2>{_bar(memory, verdict)}{_numbers(memory)}'
        f'<p class="says">{said}</p>{_learned(estimate)}{_disk(estimate.get("disk") or {})}'
    )


def _bar(memory: Mapping[str, Any], verdict: Mapping[str, Any]) -> str:
    """The parts behind what others hold, in one line as long as the device's memory."""
    parts = _parts(memory)
    peak = sum(parts.values())
    total = int(verdict.get("total_bytes") or peak)
    taken = max(0, total - int(verdict.get("free_bytes") or total))
    reach = max(total, taken + peak)
    pieces = [("taken", "Held by others and the system", taken)] if taken else []
    pieces += [(name, title_of(name), count) for name, count in parts.items()]
    spans = "".join(
        f'<i class="part {name}" style="width:{100 * count / reach:.3f}%" '
        f'title="{html.escape(title)}: {words.size(count)}"></i>'
        for name, title, count in pieces
    )
    end = f'<b class="end" style="left:{100 * total / reach:.3f}%"></b>' if reach > total else ""
    over = " over" if reach > total else ""
    told = ", ".join(f"{title} {words.size(count)}" for _, title, count in pieces)
    label = html.escape(f"Of {words.size(total)} of memory: {told}.")
    device = _device(str(verdict.get("device", "")))
    scale = (
        f'<p class="scale quiet"><span>0</span><span>{words.size(total)}{device}'
        f"{', of which ' + words.size(total - taken) + ' free' if taken else ''}</span></p>"
    )
    return f'<div class="stack{over}" role="img" aria-label="{label}">{spans}{end}</div>{scale}'


def _device(name: str) -> str:
    kind, _, number = name.partition(":")
    return f" of GPU {number}" if kind == "cuda" else " in this computer" if kind == "cpu" else ""


def _parts(memory: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(count) for name, count in memory["parts"].items() if count}


def _numbers(memory: Mapping[str, Any]) -> str:
    """The parts with their sizes, as a list beside the bar; the same for those who do not see it."""
    parts = _parts(memory)
    peak = sum(parts.values())
    items = "".join(
        f'<li><i class="part {name}" aria-hidden="true"></i><span>{html.escape(title_of(name))}</span>'
        f"<strong>{words.size(count)}</strong><small>{_percent(count / peak)}</small></li>"
        for name, count in sorted(parts.items(), key=lambda part: -part[1])
    )
    return f'<ul class="parts">{items}</ul>'


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "< 1 %"


def _learned(estimate: Mapping[str, Any]) -> str:
    """How far off such figures were on this machine, where that is known."""
    said = str((estimate.get("learned") or {}).get("words") or "")
    return f'<p class="quiet learned">{html.escape(said)}</p>' if said else ""


def _disk(disk: Mapping[str, Any]) -> str:
    """What it takes on the disk: while it runs, and what each export will take."""
    if not disk:
        return ""
    running = int(disk.get("checkpoints_bytes", 0)) + int(disk.get("layer_cache_bytes", 0))
    facts = [("While it runs", running)]
    facts += [
        (f"Export: {FORMATS[name].title[0].lower()}{FORMATS[name].title[1:]}", int(count))
        for name, count in (disk.get("exports") or {}).items()
        if name in FORMATS
    ]
    facts.append(("Free on the disk", int(disk.get("free_bytes", 0))))
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{words.size(count)}</dd></div>"
        for name, count in facts
    )
    short = running + int(disk.get("trained_bytes", 0)) > int(disk.get("free_bytes", 0))
    warning = (
        '<p class="short">The disk has less room than this needs: make some, or keep fewer checkpoints.</p>'
        if short
        else ""
    )
    return f'<h3>On the disk</h3><dl class="disk">{cells}</dl>{warning}'
