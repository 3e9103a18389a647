"""Random states are taken and put back."""

from __future__ import annotations

import torch

from studio.training.randomness import random_states, restore_random_states


def test_the_same_state_draws_the_same_numbers_again() -> None:
    states = random_states()
    drawn = torch.rand(4)
    restore_random_states(states)

    assert torch.equal(torch.rand(4), drawn)


def test_a_device_that_is_not_here_is_passed_over() -> None:
    restore_random_states({**random_states(), "cuda:31": torch.zeros(1, dtype=torch.uint8)})
