"""The range test: which rate a rising rate's losses suggest."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from studio.spec import TrainSpec
from studio.training import optimizers, rate_test


def metrics(*losses: float, lowest: float = 1e-6) -> list[dict[str, Any]]:
    """Lines of metrics, the rate ten times higher at every tenth step."""
    return [
        {"step": step, "loss": loss, "learning_rate": lowest * 10 ** (step / 10)}
        for step, loss in enumerate(losses)
    ]


def valley(steps: int = 60, lowest_at: int = 40) -> list[float]:
    """Losses that fall and rise again."""
    return [3.0 + ((step - lowest_at) / 20) ** 2 for step in range(steps)]


def test_the_rate_rises_by_the_same_factor_from_the_lowest_to_the_highest() -> None:
    shares = [optimizers.rate_share(step, 60, "range_test", 0.0) for step in range(60)]

    assert shares[0] == pytest.approx(1 / rate_test.SPAN)
    assert shares[-1] == 1.0
    factors = [after / before for before, after in itertools.pairwise(shares)]
    assert factors == pytest.approx([factors[0]] * 59)


def test_a_test_lies_around_the_specs_own_rate_and_changes_nothing_else_that_is_learnt() -> None:
    spec = TrainSpec.parse({"method": "lora", "training": {"learning_rate": 1e-4, "seed": 7}})

    test = rate_test.as_test(spec)

    ends = test.training.learning_rate / rate_test.SPAN, test.training.learning_rate
    assert math.sqrt(ends[0] * ends[1]) == pytest.approx(1e-4)
    assert (test.method, test.training.seed, test.training.max_steps) == (spec.method, 7, 60)


def test_no_rate_is_above_one() -> None:
    spec = TrainSpec.parse({"method": "lora", "training": {"learning_rate": 0.3}})

    assert rate_test.as_test(spec).training.learning_rate == 1.0


def test_a_tenth_of_the_rate_at_the_lowest_loss_is_suggested() -> None:
    found = rate_test.judge(metrics(*valley()))

    lowest = min(found.points, key=lambda point: point[1])[0]
    assert found.suggested == pytest.approx(lowest / 10, rel=0.05)
    assert "rose above it" in found.words


def test_losses_that_never_rise_say_so() -> None:
    found = rate_test.judge(metrics(*(3 - step / 60 for step in range(60))))

    assert found.suggested == pytest.approx(found.points[-1][0] / 10, rel=0.05)
    assert "the highest that was tried" in found.words


def test_losses_that_stay_low_above_the_best_rate_do_not_make_it_the_highest_tried() -> None:
    losses = [3 - step / 60 for step in range(40)] + [2.45] * 20
    found = rate_test.judge(metrics(*losses))

    assert found.suggested is not None
    assert found.suggested < found.points[-1][0] / 10 * 0.9
    assert "and hardly changed above it" in found.words


def test_losses_that_never_fall_and_too_few_of_them_suggest_nothing() -> None:
    assert rate_test.judge(metrics(*(3 + step / 60 for step in range(60)))).suggested is None
    assert rate_test.judge(metrics(3.0, 2.0, 1.0)).suggested is None


def test_a_later_line_of_the_same_step_counts() -> None:
    lines = metrics(*valley())

    assert rate_test.judge([{**lines[5], "loss": 90.0}, *lines]) == rate_test.judge(lines)


def test_smoothing_begins_at_the_first_loss() -> None:
    assert rate_test.smoothed([4.0, 4.0, 4.0]) == pytest.approx([4.0, 4.0, 4.0])
    assert rate_test.smoothed([4.0, 2.0])[1] == pytest.approx((0.8 * 4 + 2) / 1.8)
