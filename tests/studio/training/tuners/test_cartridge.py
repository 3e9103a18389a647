"""Cartridges: their numbers by hand, and the places that stay as the text left them."""

from __future__ import annotations

from pathlib import Path

import torch

from studio.training import adapters, key_values, loop
from studio.training.loop import Report, Setup
from studio.training.starting_text import starting_ids
from tests.studio.training.setups import setup

LAYERS, KEYS = 2, 2 * 8
METHOD = {"name": "cartridge", "virtual_tokens": 7, "frozen_tokens": 2, "text": "Answer kindly."}


def train(ready: Setup, stop_after: int | None = None) -> list[Report]:
    reports: list[Report] = []
    loop.run(
        ready,
        on_report=reports.append,
        should_stop=lambda: stop_after is not None and len(reports) >= stop_after,
    )
    return reports


def test_all_but_the_first_places_train(tiny_model: Path, tmp_path: Path) -> None:
    """Eyuboglu et al. 2025, arXiv:2506.06266: p places of keys and values in every layer, the first frozen."""
    counts = adapters.count(setup(tiny_model, tmp_path, method=METHOD).model)

    assert counts.trainable == (7 - 2) * LAYERS * 2 * KEYS


def test_the_first_places_stay_as_the_text_left_them_also_after_a_resume(
    tiny_model: Path, tmp_path: Path
) -> None:
    straight = setup(tiny_model, tmp_path / "straight", method=METHOD)
    reports = train(straight)
    train(setup(tiny_model, tmp_path / "cut", method=METHOD), stop_after=3)
    resumed = setup(tiny_model, tmp_path / "cut", method=METHOD)
    rest = train(resumed)

    ids = starting_ids(METHOD["text"], resumed.training, resumed.tokenizer, 7)  # type: ignore[arg-type]
    expected = key_values.remembered(resumed.model, ids)
    assert expected is not None
    whole = [ready.model.prompt_encoder["default"].weight for ready in (straight, resumed)]  # type: ignore[union-attr, index]
    torch.testing.assert_close(whole[1][:2], expected[:2])
    assert torch.equal(whole[0], whole[1])
    assert (whole[1][2:] - expected[2:]).abs().max() > 1e-3
    assert [report.loss for report in rest] == [report.loss for report in reports[3:]]
