"""Narrow networks: how their two matrices begin, and the curves between them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "relu": functional.relu,
    "silu": functional.silu,
    "tanh": functional.tanh,
    # None at all; no method offers it: what is linear can be checked by hand.
    "identity": lambda values: values,
}
# The start values of D in Houlsby et al. (section 3.6 looks at others): a normal distribution of this
# width, cut off at twice of it.
_START = 0.01


def fresh(width: int, inner: int) -> tuple[nn.Linear, nn.Linear]:
    """D and U of a network from `width` numbers to `inner` and back; it gives zeros at first."""
    down, up = nn.Linear(width, inner), nn.Linear(inner, width)
    nn.init.trunc_normal_(down.weight, std=_START, a=-2 * _START, b=2 * _START)
    for value in (down.bias, up.weight, up.bias):
        nn.init.zeros_(value)
    return down, up
