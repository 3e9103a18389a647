"""The panel: a stacked bar of the parts against the device's memory, and the same in text."""

from __future__ import annotations

import re
from typing import Any

from studio.ui.panel import panel_html

MB = 10**6
ESTIMATE: dict[str, Any] = {
    "memory": {
        "parts": {"weights": 500 * MB, "gradients": 0, "activations": 300 * MB, "overhead": 200 * MB},
        "moment": "backward",
    },
    "verdict": {
        "fits": True, "device": "cpu:0", "total_bytes": 4_000 * MB, "free_bytes": 3_000 * MB
    },
    "disk": {
        "checkpoints_bytes": 60 * MB, "trained_bytes": 20 * MB, "free_bytes": 9_000 * MB,
        "exports": {"adapter": 20 * MB, "merged": 500 * MB, "quux": 1},
    },
    "learned": {"words": "3 finished trainings here <b>"},
}  # fmt: skip


def text(markup: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def widths(markup: str) -> dict[str, float]:
    """The pieces of the bar in per cent of its length."""
    found = re.findall(r'<i class="part (\w+)" style="width:([\d.]+)%"', markup)
    return {name: float(width) for name, width in found}


def test_the_bar_is_as_long_as_the_device_s_memory_and_begins_with_what_others_hold() -> None:
    found = widths(panel_html(ESTIMATE))

    assert found == {"taken": 25.0, "weights": 12.5, "activations": 7.5, "overhead": 5.0}
    assert 'class="end"' not in panel_html(ESTIMATE)


def test_what_does_not_fit_stands_out_behind_the_memory_s_end() -> None:
    verdict = {**ESTIMATE["verdict"], "total_bytes": 1_600 * MB, "free_bytes": 600 * MB}

    markup = panel_html({**ESTIMATE, "verdict": verdict})

    assert sum(widths(markup).values()) == 100
    assert '<b class="end" style="left:80.000%">' in markup


def test_the_bar_has_a_text_alternative_and_every_part_stands_as_text() -> None:
    markup = panel_html(ESTIMATE)

    assert (
        'aria-label="Of 4.0 GB of memory: Held by others and the system 1.0 GB, '
        'The model itself 500 MB, Intermediate results 300 MB, The program around it 200 MB."'
    ) in markup
    assert "The model itself 500 MB 50 %" in text(markup)
    assert "Gradients" not in text(markup)


def test_the_disk_is_told_for_the_run_and_for_each_export_there_is() -> None:
    said = text(panel_html(ESTIMATE))

    assert "While it runs 60 MB" in said
    assert "Export: adapter only 20 MB" in said
    assert "Export: whole model (merged) 500 MB" in said
    assert "quux" not in said
    assert "less room" not in said


def test_a_disk_with_less_room_is_warned_of() -> None:
    disk = {**ESTIMATE["disk"], "free_bytes": 70 * MB}

    assert "less room" in text(panel_html({**ESTIMATE, "disk": disk}))


def test_how_right_earlier_figures_were_is_said_as_text() -> None:
    assert "3 finished trainings here &lt;b&gt;" in panel_html(ESTIMATE)


def test_without_figures_there_is_no_panel() -> None:
    assert panel_html(None) == panel_html({"memory": {}}) == ""
    assert panel_html(ESTIMATE) != panel_html(ESTIMATE)
