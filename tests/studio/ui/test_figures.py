"""The live line: an estimate in the contract's form, in words."""

from __future__ import annotations

import re
from typing import Any

from studio.ui.figures import WAITING, figures_html

ESTIMATE: dict[str, Any] = {
    "parameters": {"trainable": 460_800, "total": 134_975_808},
    "shape": {"rows": 4, "tokens": 240, "trained_tokens": 90, "is_measured": True},
    "memory": {
        "peak_bytes": 1_430_000_000,
        "low_bytes": 1_300_000_000,
        "high_bytes": 1_600_000_000,
        "certainty": "bounded",
    },
    "time": {"seconds": 240, "low": 180, "high": 320},
    "verdict": {"fits": False, "device": "cpu:0", "free_bytes": 1, "words": "<b> too much"},
}


def text(markup: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def test_the_exact_count_of_trainable_parameters_is_shown() -> None:
    assert "460,800 of 135 million (0.34 %)" in text(figures_html(ESTIMATE))


def test_memory_time_and_verdict_are_shown_and_words_stay_text() -> None:
    said = text(figures_html(ESTIMATE))

    assert "about 1.4 GB 1.3 GB to 1.6 GB" in said
    assert "about 4 minutes" in said
    assert "Does not fit &lt;b&gt; too much" in said


def test_what_does_not_fit_has_the_button_that_makes_it_fit() -> None:
    fitting = {
        **ESTIMATE,
        "verdict": {"fits": True, "title": "Tight", "detail": "Just.", "level": "tight"},
    }

    assert "Does not fit &lt;b&gt; too much Make it fit" in text(figures_html(ESTIMATE))
    assert "Tight Just." in text(figures_html(fitting))
    assert "Make it fit" not in text(figures_html(fitting))


def test_before_data_is_chosen_the_memory_is_for_the_longest_examples() -> None:
    said = text(figures_html({**ESTIMATE, "shape": {"is_measured": False}}))

    assert "about 1.4 GB with the longest examples" in said


def test_a_problem_stands_in_the_place_of_figures() -> None:
    assert text(figures_html(ESTIMATE, "Choose another model.")) == "Choose another model."


def test_a_figure_that_is_not_known_is_not_made_up() -> None:
    said = text(figures_html({"parameters": {}, "memory": {"peak_bytes": None}}))

    assert said == "Memory peak not known yet"
    assert text(figures_html(None)) == WAITING


def test_no_two_answers_are_alike_so_that_the_page_sees_each_arrive() -> None:
    assert figures_html(ESTIMATE) != figures_html(ESTIMATE)
