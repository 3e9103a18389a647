"""The states of torch's random numbers, taken and put back."""

from __future__ import annotations

import torch
from torch import Tensor


def random_states() -> dict[str, Tensor]:
    """The state of every generator, by device: `cpu`, `cuda:0`."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states |= {
            f"cuda:{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())
        }
    return states


def restore_random_states(states: dict[str, Tensor]) -> None:
    """Put states back; a device that is not here now is passed over."""
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            if f"cuda:{index}" in states:
                torch.cuda.set_rng_state(states[f"cuda:{index}"], index)
