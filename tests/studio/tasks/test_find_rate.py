"""The task `find_rate`: on real rows and a real model, however it ends."""

from __future__ import annotations

from pathlib import Path

from studio.settings import Home
from studio.tasks.find_rate import find_rate
from studio.training import rate_test
from tests.studio.runs import context, make_order


def test_a_rising_rate_gives_a_curve_and_a_suggestion_and_leaves_no_weights(
    tmp_path: Path, tiny_model: Path, rows_csv: Path
) -> None:
    home = Home(tmp_path / "home").prepare()
    order = make_order(home, tiny_model, rows_csv, learning_rate=0.02)
    test = context(home, 1, order.to_json())

    found = find_rate(test)

    rates = [rate for rate, _ in found["points"]]
    assert rates == sorted(rates)
    assert rate_test.LEAST_POINTS <= len(rates) <= rate_test.STEPS
    assert found["suggested"] is None or rates[0] / 10 <= found["suggested"] <= rates[-1]
    assert found["words"]
    assert not any((test.folder / name).exists() for name in ("adapter", "checkpoints"))
