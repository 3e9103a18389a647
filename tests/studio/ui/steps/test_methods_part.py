"""The table of methods: figures that can be sorted, reasons where there are none, a button a row."""

from __future__ import annotations

import re
from typing import Any

from studio.ui.steps.methods_part import HEADINGS, Row, shown

ESTIMATE: dict[str, Any] = {
    "parameters": {"trainable": 460_800, "total": 134_975_808},
    "memory": {"peak_bytes": 1_430_000_000},
    "time": {"seconds": 240.0},
    "disk": {"trained_bytes": 1_843_200},
    "verdict": {"fits": False, "title": "Does not fit"},
}


def text(markup: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def test_a_row_tells_what_learns_its_share_memory_time_and_size() -> None:
    said = text(shown([Row("lora", ESTIMATE)], "full"))

    assert "LoRA 460,800 0.34 % 1.4 GB Does not fit 4 minutes 2 MB Choose" in said
    assert said.startswith("All 1 methods")


def test_every_heading_sorts_by_a_number_of_its_own() -> None:
    markup = shown([Row("lora", ESTIMATE)], "")

    for key, _ in HEADINGS:
        assert f'data-sort="{key}"' in markup
        assert re.search(rf'data-key="{key}" data-value="[\d.]+"', markup)


def test_the_chosen_method_is_marked_and_the_others_can_be_chosen() -> None:
    markup = shown([Row("lora", ESTIMATE), Row("full", ESTIMATE)], "lora")

    assert re.findall(r'data-method="(\w+)"', markup) == ["full"]
    assert markup.count('aria-current="true"') == 1


def test_a_method_that_is_refused_says_why_and_one_that_is_waited_for_says_nothing_yet() -> None:
    markup = shown([Row("lora", problem="No <linear> layer."), Row("full")], "lora")

    assert "No &lt;linear&gt; layer." in markup
    assert text(markup).startswith("1 of 2 methods")
    assert "data-method" not in markup


def test_a_time_that_is_not_known_is_not_made_up() -> None:
    assert "not known yet" in shown([Row("lora", {**ESTIMATE, "time": None})], "")
