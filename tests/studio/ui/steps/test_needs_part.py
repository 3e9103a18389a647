"""What a training takes, below the form: the button, and what it did in words."""

from __future__ import annotations

import json

import gradio as gr

from studio.spec import TrainSpec
from studio.ui.draft import Draft
from studio.ui.filled import field_value
from studio.ui.steps import needs_part
from studio.worker.fitting import Change, Fitting

CHANGES = (
    Change("training.batch_size", 64, 16, "Smaller pieces."),
    Change("model.quantization", "none", "nf4", "A small loss <of> quality."),
)


def test_every_setting_that_a_plan_may_change_has_a_control_and_a_title() -> None:
    assert set(needs_part.CHANGED) == set(needs_part.TITLES)
    for name in needs_part.CHANGED.values():
        field_value(Draft(), name)


def test_the_button_is_there_only_where_it_does_not_fit() -> None:
    parts = {"parts": {"weights": 5}}

    seen = [
        needs_part.shown({"memory": parts, "verdict": {"fits": fits}})[2].visible
        for fits in (True, False)
    ]

    assert seen == [False, True]


def test_a_plan_says_each_change_with_what_it_costs_and_can_be_taken_back() -> None:
    said, before, back = needs_part.planned(Fitting(CHANGES, TrainSpec.parse({}), {}, "Tight.", 5))

    assert "Examples at a time: 64 → 16</strong><span>Smaller pieces." in said
    assert "A small loss &lt;of&gt; quality." in said
    assert json.loads(before) == {"training.batch_size": 64, "quantization": "none"}
    assert isinstance(back, gr.Button)
    assert back.visible


def test_where_nothing_fits_that_is_said_and_nothing_is_changed() -> None:
    said, before, back = needs_part.planned(Fitting((), None, None, "Nothing fits.", 9))

    assert "Nothing fits." in said
    assert (before, back.visible) == ("", False)
