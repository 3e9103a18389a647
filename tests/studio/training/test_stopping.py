"""Stopping: the best measurement, patience, and the warning that training and held-out rows part ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from studio.training import loop, stopping
from studio.training.adapters import trainable
from studio.training.loop import Outcome, Report, Setup
from studio.training.stopping import HeldOut, measured
from tests.studio.training.setups import setup


def after(*pairs: tuple[float, float]) -> tuple[HeldOut, list[str]]:
    """What (training loss, held-out loss) pairs amount to, one measurement every ten steps."""
    state, said = HeldOut(), []
    for number, (training, held_out) in enumerate(pairs, start=1):
        state, words = measured(state.after_step(training), 10 * number, held_out)
        said += [words] if words else []
    return state, said


def test_the_lowest_loss_is_the_best_and_patience_counts_from_it() -> None:
    state, _ = after((3.0, 3.0), (2.0, 2.0), (1.0, 2.1), (0.9, 2.05))

    assert (state.best_loss, state.best_step, state.without_gain) == (2.0, 20, 2)
    assert state.is_over(2)
    assert not state.is_over(3)
    assert not state.is_over(None)


def test_learning_by_heart_is_told_of_once() -> None:
    _, said = after((3.0, 3.0), (2.0, 2.0), (1.0, 2.3), (0.5, 2.6))

    assert len(said) == 1
    assert "From step 20 on" in said[0]
    assert "fell from 2.000 to 1.000" in said[0]
    assert "rose from 2.000 to 2.300" in said[0]


@pytest.mark.parametrize(
    "pairs",
    [
        ((2.0, 2.0), (1.0, 2.1)),  # a little worse, once
        ((2.0, 2.0), (2.5, 2.6)),  # both rise: the rate is too high, nothing is learned by heart
        ((2.0, 2.0), (1.0, 1.9), (0.5, 1.8)),
    ],
)
def test_no_warning_where_they_do_not_part(pairs: tuple[tuple[float, float], ...]) -> None:
    assert after(*pairs)[1] == []


def test_a_held_out_loss_that_is_no_number_is_no_gain() -> None:
    state, said = after((2.0, 2.0), (1.0, float("nan")))

    assert (state.best_loss, state.without_gain) == (2.0, 1)
    assert "not a number" in said[0]


def run(ready: Setup, stop_after: int | None = None) -> tuple[Outcome, list[Report]]:
    reports: list[Report] = []
    outcome = loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    return outcome, reports


def falls_then_rises(monkeypatch: pytest.MonkeyPatch, best: int) -> None:
    """Let the held-out loss be lowest after step `best`, a pure function of the step."""
    original = stopping.measured
    monkeypatch.setattr(
        stopping,
        "measured",
        lambda before, step, loss: original(before, step, 1.0 + abs(step - best)),
    )


def test_a_run_stops_early_and_keeps_the_best(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falls_then_rises(monkeypatch, best=3)
    watched = setup(
        tiny_model, tmp_path / "a", epochs=9, eval_every=1, early_stopping=2, keep_checkpoints=1
    )
    reference = setup(tiny_model, tmp_path / "b", epochs=9)

    outcome, reports = run(watched)
    run(reference, stop_after=4)

    assert (outcome.is_complete, outcome.position.step, outcome.kept_step) == (True, 5, 3)
    assert reports[-1].step == 5
    pairs = zip(trainable(watched.model), trainable(reference.model), strict=True)
    assert all(torch.equal(left, right) for (_, left), (_, right) in pairs)


def test_without_early_stopping_the_last_state_is_kept(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falls_then_rises(monkeypatch, best=1)

    outcome, _ = run(setup(tiny_model, tmp_path, eval_every=1))

    assert outcome.kept_step == outcome.position.step == 6


def test_a_stopped_run_stops_early_where_the_straight_one_does(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falls_then_rises(monkeypatch, best=2)
    more = {"epochs": 9, "eval_every": 1, "early_stopping": 3}
    straight, _ = run(setup(tiny_model, tmp_path / "a", **more))

    run(setup(tiny_model, tmp_path / "b", **more), stop_after=4)
    resumed, _ = run(setup(tiny_model, tmp_path / "b", **more))
    again, reports = run(setup(tiny_model, tmp_path / "b", **more))

    assert straight == replace(resumed, position=straight.position)
    assert resumed.position.held_out == straight.position.held_out
    # A crash after the end and before the result was kept: nothing is trained again.
    assert (again.kept_step, reports) == (straight.kept_step, [])
