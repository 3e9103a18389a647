"""What a training tells of its held-out rows, as the page shows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from studio.ui.held_out import confusion_html, figures

MATRIX = {"labels": ["billing", "<repairs>"], "rows": [[3, 1], [0, 4]]}


def training(objective: Any) -> Any:
    return SimpleNamespace(spec={"spec": {"objective": objective}})


def test_shares_are_shown_in_per_cent_under_the_objective_s_own_names() -> None:
    found = {"accuracy": 0.875, "f1": 0.86, "confusion": MATRIX}

    shown = figures(training({"name": "classification"}), found)

    assert shown == [("Sorted right", "88%"), ("F1, every label alike", "86%")]


def test_what_is_no_share_is_left_to_the_result() -> None:
    assert figures(training("chat"), {"perplexity": 3.0, "token_accuracy": 0.5}) == [
        ("First guesses right", "50%")
    ]
    assert figures(SimpleNamespace(spec={"job": 1}), {"accuracy": 1.0}) == []  # type: ignore[arg-type]


def test_the_table_of_mix_ups_names_every_label_and_counts() -> None:
    shown = confusion_html(training("classification"), {"confusion": MATRIX})

    assert "&lt;repairs&gt;" in shown
    assert shown.count("<tr>") == 3
    assert '<td class="mixed">1</td>' in shown
    assert confusion_html(training("chat"), {}) == ""
