"""Tensors without values answer what is known beforehand, and nothing else."""

from __future__ import annotations

import pytest
import torch

from studio.estimator.answers import Answers


def test_what_is_drawn_lies_above_a_share_of_none() -> None:
    with torch.device("meta"), Answers():
        assert bool(torch.rand(1) > 0.0)


def test_no_number_that_trains_is_infinite() -> None:
    with Answers():
        assert not torch.ones(3, device="meta").isinf().any()


def test_places_within_bounds_are_all_kept() -> None:
    with torch.device("meta"), Answers():
        places = torch.empty((2, 5), dtype=torch.int64)
        within = (places[0] < 9) & (places[1] < 9)

        assert places[:, within].shape == (2, 5)


def test_any_other_question_fails() -> None:
    mask = torch.ones(4, device="meta")

    with Answers(), pytest.raises(RuntimeError):
        bool((mask == 1).all())
    with Answers(), pytest.raises(RuntimeError):
        mask[mask > 0.5]
    with Answers(), pytest.raises(RuntimeError):
        bool(torch.ones(1, device="meta") > 0.5)
