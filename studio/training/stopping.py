"""Stopping: what the measurements on held-out rows say, the best of them, and when more training does harm."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

# Training and held-out rows part ways: no gain in so many measurements, or a loss so much above the best.
_WITHOUT_GAIN = 2
_WORSE_SHARE = 0.10
# ... while the training loss fell by at least this share: less is the chance of which rows came.
_FALLEN_SHARE = 0.05


@dataclass(frozen=True)
class HeldOut:
    """The measurements so far; lies in every checkpoint, so that a resumed run stops where it would have.

    `best_step` is the step after which the held-out loss was lowest (0: none measured yet). `training`
    losses are means over the steps since the last measurement, and at the best one.
    """

    best_loss: float | None = None
    best_step: int = 0
    without_gain: int = 0
    training_sum: float = 0.0
    training_steps: int = 0
    training_at_best: float | None = None
    has_parted: bool = False

    def after_step(self, loss: float) -> HeldOut:
        """With one more training loss."""
        return replace(
            self,
            training_sum=self.training_sum + loss,
            training_steps=self.training_steps + 1,
        )

    def is_over(self, patience: int | None) -> bool:
        """Whether `patience` measurements in a row brought no gain."""
        return patience is not None and self.without_gain >= patience


def measured(before: HeldOut, step: int, loss: float) -> tuple[HeldOut, str | None]:
    """Take in the held-out `loss` measured after `step`; gives a warning where learning became harm."""
    training = before.training_sum / max(1, before.training_steps)
    anew = replace(before, training_sum=0.0, training_steps=0)
    if not math.isfinite(loss):
        words = "The held-out loss is not a number any more: the weights may be past mending."
        return replace(anew, without_gain=before.without_gain + 1), words
    if before.best_loss is None or loss < before.best_loss:
        return (
            replace(
                anew, best_loss=loss, best_step=step, without_gain=0, training_at_best=training
            ),
            None,
        )
    after = replace(anew, without_gain=before.without_gain + 1)
    if after.has_parted or not _parts(after, training, loss):
        return after, None
    words = (
        f"From step {after.best_step} on the model learns by heart: on the rows that it trains on the "
        f"loss fell from {after.training_at_best:.3f} to {training:.3f}, on held-out rows it rose from "
        f"{after.best_loss:.3f} to {loss:.3f}. Fewer passes would have been better; with "
        "training.early_stopping the best state is kept by itself."
    )
    return replace(after, has_parted=True), words


def _parts(after: HeldOut, training: float, loss: float) -> bool:
    assert after.best_loss is not None
    assert after.training_at_best is not None
    is_worse = loss > after.best_loss * (1 + _WORSE_SHARE)
    lasts = after.without_gain >= _WITHOUT_GAIN and loss > after.best_loss
    has_fallen = training < after.training_at_best * (1 - _FALLEN_SHARE)
    return has_fallen and (is_worse or lasts)
