"""What a fused chain is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Chain:
    """One kind of module whose chain of operations is fused.

    `matches(module)` tells whether a module looks like this kind; `twin(module)` makes a small copy of
    it with random float32 weights on the CPU, and an input for it, which shows whether it is;
    `forward(module, original, *args, **kwargs)` gives what the module gives, by way of the fused chain
    where that can be, else of `original`.
    """

    matches: Callable[[nn.Module], bool]
    twin: Callable[[nn.Module], tuple[nn.Module, Tensor]]
    forward: Callable[..., Tensor]
