"""Narrow networks begin as nothing."""

from __future__ import annotations

import torch

from studio.training.tuners.bottleneck import ACTIVATIONS, fresh


def test_a_fresh_network_gives_zeros_and_its_first_matrix_is_small() -> None:
    down, up = fresh(16, 3)

    made = up(ACTIVATIONS["gelu"](down(torch.randn(5, 16))))

    assert not made.any()
    assert 0 < float(down.weight.abs().max()) <= 0.02
