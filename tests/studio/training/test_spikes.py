"""Spikes: what counts as one, what becomes of its step, and when a run ends for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.errors import StudioError
from studio.spec import Training, TrainSpec
from studio.training import loop, spikes, step
from studio.training.adapters import trainable
from studio.training.loop import Report, Setup
from studio.training.spikes import Spikes, judge, limit
from tests.studio.training.setups import setup

NAN = float("nan")
STEADY = Spikes(losses=(2.0, 2.2, 1.8, 2.1) * 8)


def training(policy: str) -> Training:
    return TrainSpec.parse({"training": {"on_spike": policy}}).training


def test_the_limit_is_twice_the_middle_and_one_or_far_outside_the_spread() -> None:
    # The middle of 1.8 2.0 2.1 2.2 is 2.05, the middle distance from it 0.1.
    assert limit(STEADY) == pytest.approx(max(2 * 2.05 + 1, 2.05 + 6 * 1.4826 * 0.1))
    wild = Spikes(losses=(1.0, 9.0) * 16)
    assert limit(wild) == pytest.approx(5.0 + 6 * 1.4826 * 4.0)


def test_a_few_steps_judge_nothing() -> None:
    assert judge(Spikes(losses=(0.1,) * 15), 50.0, 1.0, training("skip"), 16).applies
    assert not judge(Spikes(losses=(0.1,) * 16), 50.0, 1.0, training("skip"), 17).applies


@pytest.mark.parametrize("loss", [NAN, float("inf"), 5.2])
def test_a_step_left_out_is_told_of_and_changes_no_statistics(loss: float) -> None:
    found = judge(STEADY, loss, 1.0, training("skip"), 40)

    assert not found.applies
    assert found.words is not None
    assert found.words.startswith("Step 40 was left out")
    assert found.spikes == replace(STEADY, skipped=1, in_a_row=1)


def test_a_gradient_that_broke_down_leaves_its_step_out() -> None:
    assert not judge(STEADY, 2.0, float("inf"), training("skip"), 40).applies


def test_the_rate_is_halved_each_time_where_that_is_wanted() -> None:
    once = judge(STEADY, 9.0, 1.0, training("lower_rate"), 40).spikes
    twice = judge(once, 9.0, 1.0, training("lower_rate"), 41)

    assert twice.spikes.rate_factor == 0.25
    assert "0.25 of the plan" in (twice.words or "")


@pytest.mark.parametrize(("policy", "loss"), [("stop", 9.0), ("stop", NAN), ("keep", NAN)])
def test_a_run_ends_with_words_where_it_shall_or_must(policy: str, loss: float) -> None:
    with pytest.raises(StudioError, match="broke down at step 40"):
        judge(STEADY, loss, 1.0, training(policy), 40)


def test_a_jump_is_trained_on_where_that_is_wanted() -> None:
    found = judge(STEADY, 9.0, 1.0, training("keep"), 40)

    assert found.applies
    assert found.spikes.losses[-1] == 9.0


def test_the_third_in_a_row_ends_the_run_and_a_good_step_between_counts_anew() -> None:
    skip = training("skip")
    one = judge(STEADY, NAN, 1.0, skip, 1).spikes
    two = judge(one, NAN, 1.0, skip, 2).spikes
    good = judge(two, 2.0, 1.0, skip, 3).spikes

    assert (two.in_a_row, good.in_a_row, good.skipped) == (2, 0, 2)
    with pytest.raises(StudioError, match="3rd step in a row"):
        judge(two, NAN, 1.0, skip, 3)


def run(
    ready: Setup, stop_after: int | None = None, on_words: Callable[[str], None] = print
) -> list[Report]:
    reports: list[Report] = []
    loop.run(
        ready,
        on_report=reports.append,
        on_words=on_words,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    return reports


@pytest.fixture
def breaks_at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the gradients of certain optimizer steps, counted over the whole test, be NaN."""
    original, calls = step.clip, 0

    def break_down(*broken: int) -> None:
        def clip(parameters: Any, max_grad_norm: float) -> torch.Tensor:
            nonlocal calls
            calls += 1
            parameters = list(parameters)
            if calls in broken:
                parameters[0].grad.fill_(NAN)
            return original(parameters, max_grad_norm)

        monkeypatch.setattr(step, "clip", clip)

    return break_down


def test_one_broken_step_leaves_the_weights_as_they_were(
    tiny_model: Path, tmp_path: Path, breaks_at: Any
) -> None:
    breaks_at(2)
    ready = setup(tiny_model, tmp_path, max_steps=2)
    one = setup(tiny_model, tmp_path / "one", max_steps=2)

    reports = run(ready)
    run(one, stop_after=2)  # the report before the first step counts

    assert reports[2].warning is not None
    pairs = zip(trainable(ready.model), trainable(one.model), strict=True)
    assert all(torch.equal(left, right) for (_, left), (_, right) in pairs)


def test_a_lowered_rate_survives_a_stop_bit_for_bit(
    tiny_model: Path, tmp_path: Path, breaks_at: Any
) -> None:
    breaks_at(2, 8)  # the second step of each of two runs of six
    straight = setup(tiny_model, tmp_path / "straight", on_spike="lower_rate")
    whole = run(straight)
    run(setup(tiny_model, tmp_path / "cut", on_spike="lower_rate"), stop_after=4)
    resumed = setup(tiny_model, tmp_path / "cut", on_spike="lower_rate")
    rest = run(resumed)

    assert [r.learning_rate for r in rest] == [r.learning_rate for r in whole[4:]]
    pairs = zip(trainable(straight.model), trainable(resumed.model), strict=True)
    assert all(torch.equal(left, right) for (_, left), (_, right) in pairs)


@pytest.mark.parametrize(
    "method",
    [{"name": "diff_pruning", "first_share": 0.5}, {"name": "far", "priming_share": 0.5}],
    ids=lambda method: method["name"],
)
def test_a_method_s_second_part_is_not_judged_by_the_losses_of_its_first(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: dict[str, Any]
) -> None:
    known, said = [], []

    def judged(so_far: Spikes, *rest: Any) -> spikes.Judgement:
        known.append(len(so_far.losses))
        return judge(so_far, *rest)

    monkeypatch.setattr(spikes, "judge", judged)
    run(setup(tiny_model, tmp_path, method=method, max_steps=6), on_words=said.append)

    assert known == [0, 1, 2, 0, 1, 2]
    assert [words for words in said if words.startswith("The first part ends with step 3.")]


def test_weights_that_are_broken_already_end_the_run(tiny_model: Path, tmp_path: Path) -> None:
    ready = setup(tiny_model, tmp_path)
    with torch.no_grad():
        next(value for _, value in trainable(ready.model)).fill_(NAN)

    with pytest.raises(StudioError, match="learning rate ten times smaller"):
        run(ready)
    assert spikes.MOST_IN_A_ROW == 3
