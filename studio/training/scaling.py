"""Loss scaling for fp16: gradients are made large enough for its narrow range, and small again before use."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from studio.training.loading import Numbers

# torch.amp.GradScaler's own numbers.
FIRST, GROWTH, BACKOFF, GROWTH_AFTER_STEPS = 2.0**16, 2.0, 0.5, 2000


@dataclass(frozen=True)
class Scaling:
    """What the loss is multiplied by, and how many steps went well since that last changed.

    As torch.amp.GradScaler does it, but a value: it lies in every checkpoint, so a resumed run scales alike.
    """

    scale: float = FIRST
    good_steps: int = 0

    @classmethod
    def first(cls, numbers: Numbers) -> Scaling | None:
        """Where a run begins; None where its number format needs no scaling."""
        return cls() if numbers.autocast is torch.float16 else None

    def overflows(self, loss: float, norm: float) -> bool:
        """Whether a step's gradients broke down for the scale's sake: the loss itself is sound."""
        return self.scale > 1.0 and math.isfinite(loss) and not math.isfinite(norm)

    def after(self, *, overflowed: bool) -> Scaling:
        """Half the scale after gradients that were too large, twice after 2,000 steps without any."""
        if overflowed:
            return Scaling(self.scale * BACKOFF)
        if self.good_steps + 1 == GROWTH_AFTER_STEPS:
            return Scaling(self.scale * GROWTH)
        return Scaling(self.scale, self.good_steps + 1)
